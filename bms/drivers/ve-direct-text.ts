/**
 * The text stream of VE.Direct, byte by byte.
 *
 *     CR LF label TAB value CR LF label TAB value … CR LF Checksum TAB <one byte>
 *
 * All bytes of a block add up to 0 modulo 256; the checksum byte can be any byte, CR, LF and `:` included. HEX frames
 * (`:` … LF) may fall in anywhere but at that byte, and do not count.
 */

const CR = 0x0d;
const LF = 0x0a;
const TAB = 0x09;
const COLON = 0x3a;
/** Some MPPT firmware ends its asynchronous frame with this (hoylabs/OpenDTU-OnBattery issue 1585). */
const BROKEN_LF = 0xfe;

const LABEL_MAX = 8;
const VALUE_MAX = 32;
const FIELDS_MAX = 22;
const HEX_MAX = 256;
/** Silence inside a block after which its beginning is worth nothing, ms. */
const SILENCE_MS = 500;

/** What the bytes so far have completed. */
export type TextEvent =
  | { readonly kind: 'block'; readonly fields: ReadonlyMap<string, string> }
  | { readonly kind: 'bad-block' }
  /** Without the colon and the line end. */
  | { readonly kind: 'hex'; readonly text: string };

type State = 'idle' | 'label' | 'value' | 'checksum' | 'hex';

/** Keeps at most one block and one HEX frame; whatever does not fit throws away what was begun. */
export class VeDirectText {
  #state: State = 'idle';
  #resume: State = 'idle';
  #sum = 0;
  #label = '';
  #value = '';
  #hex = '';
  #fields = new Map<string, string>();
  #previous = 0;
  #lastMonoMs = 0;
  readonly #unchecked: boolean;

  /** @param unchecked take blocks whatever their bytes add up to */
  constructor(unchecked = false) {
    this.#unchecked = unchecked;
  }

  /** @param monoMs monotonic time of arrival */
  push(chunk: Uint8Array, monoMs: number): readonly TextEvent[] {
    if (monoMs - this.#lastMonoMs > SILENCE_MS) this.#drop();
    this.#lastMonoMs = monoMs;
    const events: TextEvent[] = [];
    for (const byte of chunk) {
      const event = this.#next(byte);
      if (event !== undefined) events.push(event);
    }
    return events;
  }

  #next(byte: number): TextEvent | undefined {
    if (this.#state === 'hex') return this.#inHex(byte);
    if (byte === COLON && this.#state !== 'checksum') {
      this.#resume = this.#state;
      this.#state = 'hex';
      this.#hex = '';
      return undefined;
    }
    const event = this.#inText(byte);
    this.#previous = byte;
    return event;
  }

  #inText(byte: number): TextEvent | undefined {
    if (this.#state === 'checksum') return this.#atChecksum(byte);
    this.#sum = (this.#sum + byte) & 0xff;
    if (this.#state === 'idle') this.#atRest(byte);
    else if (this.#state === 'label') this.#inLabel(byte);
    else this.#inValue(byte);
    return undefined;
  }

  #atRest(byte: number): void {
    if (byte === LF) this.#begin();
  }

  /** A block starts with CR LF; a lone LF is taken too, when the CR was lost. */
  #begin(): void {
    this.#sum = (this.#previous === CR ? CR : 0) + LF;
    this.#label = '';
    this.#fields = new Map();
    this.#state = 'label';
  }

  #inLabel(byte: number): void {
    if (byte === TAB) {
      this.#value = '';
      this.#state = this.#label === 'Checksum' ? 'checksum' : 'value';
    } else if (byte === LF) {
      // An empty line before the first field is noise of before: the block starts here.
      if (this.#fields.size === 0) this.#begin();
      else this.#label = '';
    } else if (byte !== CR) {
      if (this.#label.length === LABEL_MAX) this.#drop();
      else this.#label += String.fromCharCode(byte);
    }
  }

  #inValue(byte: number): void {
    if (byte === LF && this.#fields.size === FIELDS_MAX) {
      this.#drop();
    } else if (byte === LF) {
      this.#fields.set(this.#label, this.#value);
      this.#label = '';
      this.#state = 'label';
    } else if (byte !== CR) {
      if (this.#value.length === VALUE_MAX) this.#drop();
      else this.#value += String.fromCharCode(byte);
    }
  }

  #atChecksum(byte: number): TextEvent {
    const good = this.#unchecked || ((this.#sum + byte) & 0xff) === 0;
    const fields = this.#fields;
    this.#drop();
    return good ? { kind: 'block', fields } : { kind: 'bad-block' };
  }

  #inHex(byte: number): TextEvent | undefined {
    if (byte === LF || byte === BROKEN_LF) {
      this.#state = this.#resume;
      return { kind: 'hex', text: this.#hex };
    }
    if (this.#hex.length === HEX_MAX) this.#drop();
    else if (byte !== CR) this.#hex += String.fromCharCode(byte);
    return undefined;
  }

  #drop(): void {
    this.#state = 'idle';
    this.#fields = new Map();
    this.#label = '';
    this.#value = '';
    this.#hex = '';
  }
}
