// Times the wasm module under V8: node v8.mjs MODULE DIRECTORY ROUNDS. Prints one line of JSON.
import { readFileSync } from 'node:fs';
import { argv } from 'node:process';

const [module, directory, rounds] = argv.slice(2);
const file = (name) => readFileSync(`${directory}/${name}`);
const { instance } = await WebAssembly.instantiate(readFileSync(module));
const { memory, reset, buffer, ingest, pending, commit, change } = instance.exports;

function put(message) {
  const at = buffer(message.length);
  new Uint8Array(memory.buffer).set(message, at);
}

function feed(message) {
  put(message);
  if (ingest() !== 1) throw new Error('a message was refused');
}

// Milliseconds.
function timed(run) {
  const start = performance.now();
  run();
  return performance.now() - start;
}

const messages = ['cds', 'eds', 'lds', 'rds'].map((type) => file(`${type}.pb`));
let bytes = 0;
const snapshot = [];
for (let round = 0; round < Number(rounds); round += 1) {
  reset();
  snapshot.push(timed(() => {
    messages.forEach(feed);
    bytes = pending();
  }));
}
const memoryBytes = memory.buffer.byteLength;
commit();

const changes = [];
const all = file('changes.bin');
for (let at = 0; at < all.length;) {
  const end = at + 4 + all.readUInt32LE(at);
  const message = all.subarray(at + 4, end);
  changes.push(timed(() => {
    put(message);
    if (change() === 0) throw new Error('a change was refused');
  }));
  at = end;
}
console.log(JSON.stringify({ snapshot, changes, bytes, memory: memoryBytes }));
