import type { JournalDisk } from '../../../services/shutdown/journal.ts';
import type { JournalLine } from '../../../services/shutdown/view.ts';
import type { Random } from '../random.ts';

interface FakeFile {
  /** What survives a loss of power. */
  safe: Buffer;
  /** All that was written. */
  bytes: Buffer;
}

/** A disk that can be full, and that loses at a crash what was not flushed, torn at any byte. */
export class FakeDisk implements JournalDisk {
  full = false;
  /** Says yes to a flush and does not do it. */
  lazy = false;
  /** Asked before a flush counts; true: the power goes at this very moment. */
  diesInFlush: () => boolean = () => false;
  /** Told when a write was refused. */
  refused: () => void = () => {};
  readonly #files = new Map<string, FakeFile>();
  readonly #open = new Map<number, string>();
  #nextFd = 3;

  /** Only a part of what was not flushed is there afterwards. */
  crash(rng: Random): void {
    for (const file of this.#files.values()) {
      const common = Math.min(file.safe.length, file.bytes.length);
      const kept = common + Math.floor(rng() * (file.bytes.length - common + 1));
      file.bytes = file.bytes.subarray(0, kept);
      file.safe = file.bytes;
    }
    this.#open.clear();
  }

  /** Bytes that would be there after a loss of power at this moment. */
  safe(path: string): Buffer {
    return this.#files.get(path)?.safe ?? Buffer.alloc(0);
  }

  mkdirSync(): void {}

  readFileSync(path: string): string {
    const file = this.#files.get(path);
    if (file === undefined) throw Object.assign(new Error(`no file ${path}`), { code: 'ENOENT' });
    return file.bytes.toString('utf8');
  }

  openSync(path: string): number {
    if (!this.#files.has(path)) this.#files.set(path, { safe: Buffer.alloc(0), bytes: Buffer.alloc(0) });
    const fd = this.#nextFd;
    this.#nextFd += 1;
    this.#open.set(fd, path);
    return fd;
  }

  writeSync(fd: number, bytes: Uint8Array, offset: number): number {
    const file = this.#file(fd);
    const rest = bytes.subarray(offset);
    if (this.full) {
      // The last free block takes a part of it.
      file.bytes = Buffer.concat([file.bytes, rest.subarray(0, 10)]);
      this.refused();
      throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
    }
    file.bytes = Buffer.concat([file.bytes, rest]);
    return rest.length;
  }

  fsyncSync(fd: number): void {
    const file = this.#file(fd);
    if (!this.diesInFlush() && !this.lazy) file.safe = file.bytes;
  }

  fstatSync(fd: number): { size: number } {
    return { size: this.#file(fd).bytes.length };
  }

  ftruncateSync(fd: number, size: number): void {
    this.#cut(this.#file(fd), size);
  }

  truncateSync(path: string, size: number): void {
    const file = this.#files.get(path);
    if (file !== undefined) this.#cut(file, size);
  }

  renameSync(from: string, to: string): void {
    const file = this.#files.get(from);
    if (file === undefined) return;
    this.#files.set(to, file);
    this.#files.delete(from);
  }

  closeSync(fd: number): void {
    this.#open.delete(fd);
  }

  #cut(file: FakeFile, size: number): void {
    file.bytes = file.bytes.subarray(0, size);
    if (file.safe.length > size) file.safe = file.bytes;
  }

  #file(fd: number): FakeFile {
    const file = this.#files.get(this.#open.get(fd) ?? '');
    if (file === undefined) throw Object.assign(new Error('bad file descriptor'), { code: 'EBADF' });
    return file;
  }
}

/** Reads what has become safe of a journal, each line once. */
export class SafeReader {
  readonly #path: string;
  #read = 0;

  constructor(path: string) {
    this.#path = path;
  }

  more(disk: FakeDisk): JournalLine[] {
    const bytes = disk.safe(this.#path);
    const end = bytes.lastIndexOf(10) + 1;
    if (end <= this.#read) {
      this.#read = Math.min(this.#read, end);
      return [];
    }
    const text = bytes.toString('utf8', this.#read, end);
    this.#read = end;
    return text.split('\n').flatMap((row) => (row === '' ? [] : [JSON.parse(row) as JournalLine]));
  }
}
