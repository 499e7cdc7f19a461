#!/usr/bin/env python3
"""A page of `report --html` in headless Chromium, which is asked over its DevTools pipe: no library, no network.

usage: browser.py PAGE [SCREENSHOTS]

Opens the file PAGE 390 and 1600 pixels wide, light and dark, and once without scripts, and says in a line each what it
found there, as "NAME<tab>yes|no<tab>FOUND". The pictures go into the folder SCREENSHOTS, where one is named.
"""
import base64
import json
import os
import pathlib
import select
import subprocess
import sys
import tempfile
import time

PATIENCE_S = 60
HEIGHT = 900
# What of the page can be seen, and what of it sticks out to the right.
LOOK = """({
  wide: document.documentElement.scrollWidth, room: document.documentElement.clientWidth,
  sections: document.querySelectorAll("section").length,
  pictures: [...document.querySelectorAll("svg")].filter(s => s.getBoundingClientRect().height > 0).length,
  text: document.body.innerText.length,
  background: getComputedStyle(document.body).backgroundColor,
})"""


class Browser:
    """Chromium with one page; what it says unasked is kept in `events`."""

    def __init__(self, profile):
        read_asked, self.asked = os.pipe()
        self.answers, write_answers = os.pipe()
        command = ["chromium", "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--hide-scrollbars",
                   "--disable-background-networking", "--disable-component-update", "--user-data-dir=" + profile,
                   "--remote-debugging-pipe", "about:blank"]
        # Descriptors 3 and 4 are what --remote-debugging-pipe speaks on.
        shell = f'exec "$@" 3<&{read_asked} 4>&{write_answers}'
        self.process = subprocess.Popen(["bash", "-c", shell, "bash", *command], stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL, pass_fds=(read_asked, write_answers))
        os.close(read_asked)
        os.close(write_answers)
        self.buffer, self.events, self.number, self.session = b"", [], 0, None
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Network", "Runtime", "Log"):
            self.ask(domain + ".enable")

    def message(self):
        end = time.monotonic() + PATIENCE_S
        while b"\0" not in self.buffer:
            if not select.select([self.answers], [], [], max(end - time.monotonic(), 0))[0]:
                raise TimeoutError("chromium does not answer")
            some = os.read(self.answers, 1 << 20)
            if not some:
                raise EOFError("chromium has ended")
            self.buffer += some
        text, self.buffer = self.buffer.split(b"\0", 1)
        return json.loads(text)

    def ask(self, method, **params):
        self.number += 1
        question = {"id": self.number, "method": method, "params": params}
        if self.session:
            question["sessionId"] = self.session
        question = json.dumps(question).encode() + b"\0"
        while question:
            question = question[os.write(self.asked, question):]
        while True:
            message = self.message()
            if message.get("id") != self.number:
                self.events.append(message)
            elif "error" in message:
                raise RuntimeError(f"{method}: {message['error']['message']}")
            else:
                return message["result"]

    def open(self, url):
        self.events = []
        self.ask("Page.navigate", url=url)
        while not any(event.get("method") == "Page.loadEventFired" for event in self.events):
            self.events.append(self.message())

    def look(self):
        return self.ask("Runtime.evaluate", expression=LOOK, returnByValue=True)["result"]["value"]

    # What the console says, exceptions among it; and everything that is fetched beside the page itself.
    def said(self):
        words = []
        for event in self.events:
            params = event.get("params", {})
            if event.get("method") == "Runtime.consoleAPICalled":
                words.append(" ".join(str(value.get("value", "")) for value in params["args"]))
            elif event.get("method") == "Runtime.exceptionThrown":
                words.append(params["exceptionDetails"]["text"])
            elif event.get("method") == "Log.entryAdded":
                words.append(params["entry"]["text"])
        return words

    def fetched(self, page):
        sent = [event["params"]["request"]["url"] for event in self.events
                if event.get("method") == "Network.requestWillBeSent"]
        return [url for url in sent if url != page]

    def picture(self):
        return base64.b64decode(self.ask("Page.captureScreenshot", captureBeyondViewport=True)["data"])

    def end(self):
        os.close(self.asked)  # then it ends by itself
        try:
            self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def verdict(name, good, found):
    print(name, "yes" if good else "no", found, sep="\t", flush=True)


def main(page, screenshots):
    url = pathlib.Path(page).resolve().as_uri()
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(profile)
        try:
            seen, backgrounds = {}, {}
            for width in (390, 1600):
                for theme in ("light", "dark"):
                    for scripts in (True, False) if theme == "light" else (True,):
                        name = f"{width} pixels, {theme}{'' if scripts else ', without scripts'}"
                        browser.ask("Emulation.setScriptExecutionDisabled", value=not scripts)
                        browser.ask("Emulation.setDeviceMetricsOverride", width=width, height=HEIGHT,
                                    deviceScaleFactor=1, mobile=False)
                        browser.ask("Emulation.setEmulatedMedia",
                                    features=[{"name": "prefers-color-scheme", "value": theme}])
                        browser.open(url)
                        look = browser.look()
                        picture = browser.picture()
                        if screenshots:
                            file = name.replace(", ", "-").replace(" ", "-") + ".png"
                            pathlib.Path(screenshots, file).write_bytes(picture)
                        said, fetched = browser.said(), browser.fetched(url)
                        seen[name] = {key: look[key] for key in ("sections", "pictures", "text")}
                        backgrounds[theme] = look["background"]
                        verdict(f"{name}: console and requests", not said and not fetched,
                                " ".join(said + fetched) or "none")
                        verdict(f"{name}: it does not scroll sideways",
                                look["room"] == width and look["wide"] <= width, f"{look['wide']} of {look['room']}")
                        verdict(f"{name}: there is something to see",
                                look["pictures"] > 0 and len(picture) > 30000,
                                f"{look['pictures']} pictures in {look['sections']} sections, {len(picture)} bytes as PNG")
            for width in (390, 1600):
                whole, without = (seen[f"{width} pixels, light{words}"] for words in ("", ", without scripts"))
                verdict(f"{width} pixels: whole without scripts", whole == without, f"{without} of {whole}")
            verdict("light and dark are different", backgrounds["light"] != backgrounds["dark"], str(backgrounds))
        finally:
            browser.end()


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3):
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2] if len(sys.argv) == 3 else None)
