import { playRecording, readRecordings } from "../ipvs/recordings.ts";

// Plays the recordings of a real ip_vs until one fails: exit code 1 and its name; an exception says so too.
for (const recording of readRecordings()) {
  let problem: string | undefined;
  try {
    problem = playRecording(recording, false);
  } catch (error) {
    problem = `${error}`;
  }
  if (problem === undefined) continue;
  console.log(recording.name);
  process.exit(1);
}
