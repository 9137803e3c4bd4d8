/** Why a line cannot be decoded: a word for programs, and words for people. */
export class Undecodable extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.name = 'Undecodable';
    this.code = code;
  }
}
