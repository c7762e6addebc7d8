// Writes tests/protocol/yjs_updates.json: what real yjs documents send, for the tests of the guard. Run it where the
// packages of package-lock.json are installed: node record_updates.mjs > yjs_updates.json
import * as Y from "yjs";

// mulberry32: the same updates each time, but for client ids.
let state = 12345;
function random(below) {
  state = (state + 0x6d2b79f5) | 0;
  let t = Math.imul(state ^ (state >>> 15), 1 | state);
  t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
  return ((t ^ (t >>> 14)) >>> 0) % below;
}
const pick = (list) => list[random(list.length)];

function change(doc) {
  const text = doc.getText("text"), array = doc.getArray("array"), map = doc.getMap("map");
  const at = () => random(text.length + 1);
  switch (random(13)) {
    case 0: text.insert(at(), pick(["plain ", "wörter ", "x"])); break;
    case 1: text.insert(at(), "bold", { bold: true }); break;
    case 2: if (text.length > 3) text.format(0, 3, { italic: pick([true, null]) }); break;
    case 3: text.insertEmbed(at(), { image: "a.png" }); break;
    case 4: if (text.length > 4) text.delete(random(text.length - 3), 3); break;
    case 5: array.insert(random(array.length + 1), [1, 2.5, null, "x", true, { deep: [[1]] }]); break;
    case 6: array.push([new Y.Map([["t", new Y.Text("nested")], ["a", Y.Array.from([1, new Uint8Array([1, 2])])]])]); break;
    case 7: if (array.length > 0) array.delete(random(array.length), 1); break;
    case 8: map.set(pick(["a", "b"]), pick([1, "two", new Y.Map([["k", new Y.Array()]]), new Uint8Array([0])])); break;
    case 9: map.delete(pick(["a", "b"])); break;
    // Made and gone in one transaction: its content is GC blocks.
    case 10: map.set("gone", new Y.Map([["t", new Y.Text("never seen")]])); map.delete("gone"); break;
    case 11: map.set("a", new Y.Array()); map.get("a").push([new Y.Text("in"), "row"]); break;
    // Characters of two clocks, where nothing can cut them in two.
    case 12: array.push(["😀"]); map.set("b", new Y.Text("😀")); break;
  }
}

function session() {
  const docs = [new Y.Doc(), new Y.Doc(), new Y.Doc()];
  const sent = [];
  for (const doc of docs) doc.on("update", (update, origin) => { if (origin !== "remote") sent.push(update); });
  const undo = new Y.UndoManager([docs[0].getText("text"), docs[0].getMap("map")], { captureTimeout: 0 });
  for (let n = 0; n < 14; n++) {
    const doc = pick(docs);
    if (doc === docs[0] && random(5) === 0) undo.undo();
    else doc.transact(() => { for (let times = 1 + random(3); times > 0; times--) change(doc); });
    const other = pick(docs);
    if (other !== doc) Y.applyUpdate(other, Y.encodeStateAsUpdate(doc, Y.encodeStateVector(other)), "remote");
  }
  // Sync answers: of each document, of somebody who missed a part, and several updates as one.
  const behind = new Y.Doc();
  sent.forEach((update, n) => { if (n !== 2 && n !== 5) Y.applyUpdate(behind, update, "remote"); });
  const answers = [...docs, behind].map((doc) => Y.encodeStateAsUpdate(doc));
  answers.push(Y.mergeUpdates(sent.filter((_, n) => n % 3 !== 1)));
  const hex = (update) => Buffer.from(update).toString("hex");
  return { sent: sent.map(hex), answers: answers.map(hex) };
}

process.stdout.write(`${JSON.stringify(Array.from({ length: 24 }, session), null, 0).replaceAll("},{", "},\n{")}\n`);
