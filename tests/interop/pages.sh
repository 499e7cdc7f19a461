# Part of tests/interop/run: pages of report --html in a browser.
# shellcheck shell=bash disable=SC2154

# The recording of this run, and one with an end of every kind.
for recording in "$file" "$root/tests/unit/data/recordings/0.1.0.pcapng"; do
    name=$(basename "$recording")
    "$built/sockray" report "$recording" --html "$work/page.html" 2>>"$work/err"
    looks=0
    while IFS=$'\t' read -r what good found; do
        looks=$((looks + 1))
        verdict "$good" "$name, page: $what" "$found"
    done < <("$here/browser.py" "$work/page.html" 2>>"$work/err")
    is "looks at the page of $name" "$looks" 21
done
rm -f "$work/page.html"
