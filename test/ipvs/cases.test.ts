import test from "ava";
import { playRecording, readRecordings } from "./recordings.ts";

const recordings = readRecordings();

test("all recordings are there, and all of them have steps", (t) => {
  t.is(recordings.length, 158);
  t.true(recordings.every(({ steps }) => steps.length > 0));
});

for (const recording of recordings) {
  test(`${recording.name}: every rule looked at`, (t) => t.is(playRecording(recording, false), undefined));
  test(`${recording.name}: by index`, (t) => t.is(playRecording(recording, true), undefined));
}
