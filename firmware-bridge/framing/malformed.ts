/** Bytes or text from outside that cannot be what they should be. A decoder catches it once, at its own boundary. */
export class Malformed extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'Malformed';
  }
}
