/** A file that grows line by line: a log that others read. */
import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';

export interface LineFile {
  /** Appends one line. What cannot be written is lost, and told to `failed` once. */
  write(line: string): void;
  close(): void;
}

/**
 * Opens a file for appending, made with mode 0600 where it is not there; `-` is standard output. Each line is handed to the
 * system at once, so that a crash of this process loses none.
 * @throws Error with a code such as ENOENT or EACCES
 */
export function openLineFile(path: string, failed: (error: Error) => void = () => {}): LineFile {
  const file = path === '-' ? 1 : openSync(path, 'a', 0o600);
  // A directory can be opened, but not written to.
  if (fstatSync(file).isDirectory()) {
    closeSync(file);
    throw Object.assign(new Error(`EISDIR: ${path} is a directory`), { code: 'EISDIR', path });
  }
  let told = false;
  return {
    write(line) {
      try {
        writeSync(file, `${line}\n`);
      } catch (error) {
        if (!told) failed(error as Error);
        told = true;
      }
    },
    close() {
      if (file !== 1) closeSync(file);
    },
  };
}
