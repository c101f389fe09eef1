// The live editor: one textarea that tells the app what stands in it while a person types.
// Text comes in through data and goes out through setStateValue; it is never read as HTML.
const PAUSE = 120; // ms after the last key
const LONGEST = 600; // ms while somebody types without a pause
const TYPING = /^(INPUT|TEXTAREA|SELECT)$/;

const DECIDES = /^[asfxu1-9]$/; // keys that decide on the card, or take a decision back
const DECIDING_BUTTONS = ".st-key-accept, .st-key-skip, .st-key-flag, .st-key-undo, [class*='st-key-reason-']";
const HAND = 250; // ms: sooner than this after a card came, a press was meant for the one before
const GIVE_UP = 2500; // ms: a press that changed nothing by then is forgotten

const typing = (el) => el && (TYPING.test(el.tagName) || el.isContentEditable) &&
  !/^(checkbox|radio|range|button)$/.test(el.type || "");

export default function (component) {
  const { data, parentElement, setStateValue, setTriggerValue } = component;
  const root = parentElement.querySelector(".cod-editor");
  const box = root.querySelector("textarea");
  const said = root.querySelector(".cod-count");
  const label = root.querySelector("label");
  const spoken = root.querySelector("[aria-live]");
  const keep = root.querySelector("button");
  const own = (root.cod ||= { item: null, timer: null, first: 0, sent: null });
  const again = own.session && own.session !== data.session && own.item?.replace(/\d+$/, "") === data.item.replace(/\d+$/, "");
  own.data = data; own.session = data.session;
  own.silence?.(); // this function runs again with every verdict: the former listeners would act a second time
  own.send = (text) => { own.sent = text; own.first = 0; clearTimeout(own.timer); own.timer = null;
    setStateValue("typed", { item: own.item, text }); };
  own.submit = (text) => { clearTimeout(own.timer); own.timer = null; own.sent = text;
    setTriggerValue("submitted", { item: own.item, text }); };
  own.keep = (phrase) => setTriggerValue("kept", { item: own.item, phrase });

  const count = () => { const { characters, language } = own.data.words;
    said.textContent = characters.replace("{n}", [...box.value].length.toLocaleString(language));
    box.style.height = "auto"; box.style.height = `${Math.min(box.scrollHeight + 2, 460)}px`; };
  label.firstChild.nodeValue = data.label + " ";
  root.querySelector(".cod-keys-said").textContent = data.words.foot; keep.textContent = data.words.keep;
  root.querySelector("kbd").hidden = !data.keys;
  box.maxLength = data.limit;
  if (again) { // the server was started anew under the same card: what it never heard stands here alone
    own.item = data.item; own.sent = data.text; own.pressed = null;
    if (box.value !== data.text) own.send(box.value);
  }
  if (own.item !== data.item) { // another text: what was typed for the former one is on its way already
    own.item = data.item; own.since = performance.now(); own.pressed = null; own.sent = data.text; clearTimeout(own.timer); own.timer = null; own.first = 0;
    box.value = data.text; box.scrollTop = 0; count();
  }

  if (spoken.textContent !== data.spoken) spoken.textContent = data.spoken;

  if (data.insert && data.insert.item === own.item && data.insert.number !== own.inserted) {
    own.inserted = data.insert.number; // a phrase of the palette: where the caret was, else at the end
    const at = own.caret?.item === own.item ? own.caret.at : box.value.length;
    const before = box.value.slice(0, at), after = box.value.slice(at);
    const put = (before && !/\s$/.test(before) ? " " : "") + data.insert.phrase + (after && !/^[\s.,;:!?]/.test(after) ? " " : "");
    box.value = (before + put + after).slice(0, data.limit);
    own.caret = { item: own.item, at: Math.min(before.length + put.length, box.value.length) };
    count(); own.send(box.value);
  }

  if (!own.ready) {
    own.ready = true;
    box.addEventListener("blur", () => { own.caret = { item: own.item, at: box.selectionEnd }; });
    box.addEventListener("input", () => {
      count();
      const now = performance.now();
      own.first ||= now;
      clearTimeout(own.timer);
      own.timer = setTimeout(() => own.send(box.value), Math.min(PAUSE, Math.max(0, own.first + LONGEST - now)));
    });
    box.addEventListener("blur", () => { if (box.value !== own.sent) own.send(box.value); });
    box.addEventListener("keydown", (event) => {
      if (event.isComposing) return; // Enter and Esc belong to the input method while it composes
      if (event.key === "Escape") { event.preventDefault(); event.stopPropagation(); box.blur(); }
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
        event.preventDefault(); event.stopPropagation(); own.submit(box.value); box.blur();
      }
    }, true);
    keep.addEventListener("mousedown", (event) => event.preventDefault()); // the selection must survive the click
    keep.addEventListener("click", () => { if (own.phrase) own.keep(own.phrase); keep.hidden = true; });
  }

  // After X comes the reason: a number as soon as the reasons are there, another X (no reason) only after a hand's time.
  own.reason = (what, now) => own.pressed.what === "x" && document.querySelector("[class*='st-key-reason-']") &&
    (/^[1-9]$/.test(what) || now - own.pressed.at > HAND);

  // One press, one decision: presses on their way to the server would otherwise meet the next card there.
  own.allowed = (what) => {
    const now = performance.now();
    if (now - own.since < HAND) return false;
    const again = own.pressed && own.pressed.item === own.item && now - own.pressed.at < GIVE_UP;
    if (again && !own.reason(what, now)) return false;
    own.pressed = { item: own.item, at: now, what };
    return true;
  };
  const onClick = (event) => {
    const el = event.composedPath()[0];
    if (event.detail > 0 && el.closest?.(DECIDING_BUTTONS) && !own.allowed("click")) {
      event.stopImmediatePropagation(); event.preventDefault();
    }
  };
  const onKey = (event) => {
    const target = event.composedPath()[0];
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && !typing(target) && !event.repeat) {
      event.stopImmediatePropagation(); event.preventDefault(); own.submit(box.value); return;
    }
    if (event.ctrlKey || event.metaKey || event.altKey || event.key.length !== 1) return;
    if (typing(target)) return;
    if (event.repeat) { event.stopImmediatePropagation(); event.preventDefault(); return; } // a key held down decides once
    if (own.data.keys && DECIDES.test(event.key.toLowerCase()) && !own.allowed(event.key.toLowerCase())) {
      event.stopImmediatePropagation(); event.preventDefault(); return;
    }
    if (own.data.keys && event.key.toLowerCase() === "e") {
      event.stopImmediatePropagation(); event.preventDefault(); box.focus();
    }
  };
  const onSelect = () => { // words marked in the original may be kept as they are
    const marked = document.getSelection();
    const home = marked.rangeCount && marked.anchorNode && marked.anchorNode.parentElement?.closest("[data-cod-original]");
    const phrase = home && home.contains(marked.focusNode) ? marked.toString().trim() : "";
    own.phrase = phrase.length > 1 && phrase.length <= 200 ? phrase : "";
    keep.hidden = !own.phrase;
  };
  const release = (event) => { // a clicked switch keeps the focus and would swallow the next key
    const el = event.composedPath()[0];
    if (event.detail > 0 && el.tagName === "INPUT" && /^(checkbox|radio)$/.test(el.type)) el.blur();
  };
  window.addEventListener("keydown", onKey, true);
  window.addEventListener("click", onClick, true);
  document.addEventListener("selectionchange", onSelect);
  document.addEventListener("click", release);
  own.silence = () => {
    window.removeEventListener("keydown", onKey, true);
    window.removeEventListener("click", onClick, true);
    document.removeEventListener("selectionchange", onSelect);
    document.removeEventListener("click", release);
  };
  return own.silence;
}
