/** What an order is answered with. */
export interface Answer {
  readonly accepted: boolean;
  readonly because: string;
}

export const refuse = (because: string): Answer => ({ accepted: false, because });
export const accept = (because: string): Answer => ({ accepted: true, because });
