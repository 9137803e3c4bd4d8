/** One message of a server-sent event stream. */
export interface ServerMessage {
  readonly event: string;
  readonly data: string;
}

/** A message larger than this is not from our service; chars. */
const LARGEST = 4_000_000;

/** Cuts a stream of text into messages. Throws when a message never ends. */
export class MessageParser {
  #rest = '';

  push(chunk: string): readonly ServerMessage[] {
    this.#rest += chunk;
    const blocks = this.#rest.split(/\r?\n\r?\n/);
    this.#rest = blocks.pop() ?? '';
    if (this.#rest.length > LARGEST) throw new Error('a message of the event stream does not end');
    return blocks.map(parse).filter((message) => message !== undefined);
  }
}

function parse(block: string): ServerMessage | undefined {
  let event = 'message';
  const data: string[] = [];
  for (const line of block.split(/\r?\n/)) {
    const colon = line.indexOf(':');
    if (colon <= 0) continue;
    const value = line.slice(colon + 1).replace(/^ /, '');
    const field = line.slice(0, colon);
    if (field === 'event') event = value;
    else if (field === 'data') data.push(value);
  }
  return data.length === 0 ? undefined : { event, data: data.join('\n') };
}
