# Part of tests/interop/run: what programs that read pcapng files find in a recording.
# shellcheck shell=bash disable=SC2154

# Of a frame its comment, of a row for a send without a frame the same words.
comments() { tshark -r "$1" -T fields -e frame.comment -e systemd_journal.field.value 2>>"$work/err" | sed 's/^\t//; s/\t$//'; }
outcome_of_comment() { sed -nE 's/^(.* )?outcome=([a-z]+)( .*)?$/\2/p'; }
# with_lua FIELD...: these of sockray.lua's, a line a send.
lua_tshark() { tshark -X "lua_script:$root/tools/wireshark/sockray.lua" -r "$file" "$@" 2>>"$work/lua"; }
with_lua() { lua_tshark -Y sockray.send -T fields "${@/#/-esockray.}"; }
# What a copy by another program must keep.
frame_fields() {
    tshark -r "$1" -Y frame.len -T fields -e frame.time_epoch -e frame.len -e frame.cap_len -e frame.interface_name \
        -e frame.packet_flags_direction -e frame.packet_id -e frame.comment 2>>"$work/err"
}

comments "$file" >"$work/comments"
is "outcomes by tshark" "$(outcome_of_comment <"$work/comments" | counted)" "$(outcomes_told)"
is "outcomes by tshark from the compressed file" \
    "$(comments "$work/recording.pcapng.zst" | outcome_of_comment | counted)" "$(outcomes_told)"
is "rows of tshark with a send's number, each once" \
    "$(sed -nE 's/^(.* )?send=([0-9]+)( .*)?$/\2/p' "$work/comments" | sort -u | wc -l)" "$attempted"

is "outcomes by tshark with sockray.lua" "$(with_lua outcome | counted)" "$(outcomes_told)"
with_lua send ret errno comm path stage.packet_sendmsg stage.sock_alloc_send_pskb | sort -n >"$work/by_lua"
jq -r 'select(.type == "send") |
    def took($stage): (.stages[] | select(.name == $stage and .start and .end) | .end - .start) // "";
    [.id, .ret, .errno, .comm, ([.stages[].name] | join(">")), took("packet_sendmsg"), took("sock_alloc_send_pskb")]
    | @tsv' "$work/json" 2>>"$work/err" | sort -n >"$work/by_report"
is "sends in report --json by jq, each once" "$(cut -f 1 "$work/by_report" | sort -u | wc -l)" "$attempted"
# errno is a number in JSON and a name in the comment: whether there is one is compared.
awk -F '\t' -v OFS='\t' '{ $3 = ($3 != "" && $3 != "0") } 1' "$work/by_report" >"$work/by_report.told"
awk -F '\t' -v OFS='\t' '{ $3 = ($3 != "") } 1' "$work/by_lua" >"$work/by_lua.told"
same "result, task, path and times of sockray.lua as report has them" "$work/by_lua.told" "$work/by_report.told"
# Those while it runs are fields of the frame, the others are told by tshark.
is "frames with an error of Lua, and words on one" \
    "$(lua_tshark -Y _ws.lua.error -T fields -e frame.number | wc -l) $(grep -c 'Lua:' "$work/lua")" "0 0"

packets=$(capinfos -T -r -m -c "$file" 2>>"$work/err" | awk -F, '{ print $2 }')
frames=$(tshark -r "$file" -Y frame.comment 2>>"$work/err" | wc -l)
is "packets by capinfos and frames of tshark" "$packets" "$frames"
is "packets by tcpdump" "$(tcpdump -qnr "$file" 2>>"$work/err" | grep -c '^[0-9]')" "$packets"
editcap "$file" "$work/copy.pcapng" 2>>"$work/err"
comments "$work/copy.pcapng" >"$work/comments.copy"
same "words of editcap's copy" "$work/comments.copy" "$work/comments"
frame_fields "$file" >"$work/frames"
frame_fields "$work/copy.pcapng" >"$work/frames.copy"
same "times, lengths, interfaces, directions and numbers of editcap's copy" "$work/frames.copy" "$work/frames"
is "frames of sends, outbound and with the send's number" \
    "$(awk -F '\t' '$5 == 2 && $6 != "" { n++ } END { print n + 0 }' "$work/frames")" "$frames"
