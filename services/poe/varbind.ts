/** One variable of an SNMP answer, as it came off the wire. */
export interface Varbind {
  /** Numeric, without a leading dot. */
  readonly oid: string;
  /** Tag of its ASN.1 type, see `AsnType`. */
  readonly type: number;
  readonly value: unknown;
}

/** Tags of SMIv2 types (RFC 2578) and of the three exceptions of RFC 3416. */
export const AsnType = {
  integer: 0x02,
  octetString: 0x04,
  null: 0x05,
  oid: 0x06,
  counter32: 0x41,
  gauge32: 0x42,
  noSuchObject: 0x80,
  noSuchInstance: 0x81,
  endOfMibView: 0x82,
} as const;

/** An exception inside a good answer: the agent does not have this variable. */
export const isMissing = ({ type }: Varbind): boolean => type >= AsnType.noSuchObject && type <= AsnType.endOfMibView;

/** The value of an integer type; undefined for anything else. */
export function wholeNumber({ type, value }: Varbind): number | undefined {
  if (type !== AsnType.integer && type !== AsnType.counter32 && type !== AsnType.gauge32) return undefined;
  return typeof value === 'number' && Number.isSafeInteger(value) ? value : undefined;
}

/** What an octet string says, if it is short enough to say something; undefined for anything else. */
export function textOf({ type, value }: Varbind): string | undefined {
  if (type !== AsnType.octetString) return undefined;
  const text = Buffer.isBuffer(value) ? value.toString('utf8') : value;
  return typeof text === 'string' && text.length <= 64 ? text.trim() : undefined;
}

/** The arcs of a numeric OID. */
export const arcsOf = (oid: string): readonly number[] => oid.split('.').map(Number);

/** Does `oid` come after `other` in the order of the tree? */
export function follows(oid: string, other: string): boolean {
  const left = arcsOf(oid);
  const right = arcsOf(other);
  for (let at = 0; at < Math.min(left.length, right.length); at++) {
    const difference = (left[at] ?? 0) - (right[at] ?? 0);
    if (difference !== 0) return difference > 0;
  }
  return left.length > right.length;
}

/** Is `oid` inside the subtree under `root`? */
export const isUnder = (oid: string, root: string): boolean => oid.startsWith(`${root}.`);
