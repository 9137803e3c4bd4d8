/** What a VE.Direct device is. Only a battery monitor knows the state of the battery. */
export type ProductClass = 'battery-monitor' | 'solar-charger' | 'inverter' | 'charger' | 'converter' | 'unknown';

const NAMES: Readonly<Record<number, string>> = {
  515: 'BMV-700',
  516: 'BMV-702',
  517: 'BMV-700H',
  41857: 'BMV-712',
  41858: 'BMV-710H',
  41859: 'BMV-712 rev 2',
  41865: 'SmartShunt 500A',
  41866: 'SmartShunt 1000A',
  41867: 'SmartShunt 2000A',
};

const RANGES: readonly (readonly [from: number, to: number, is: ProductClass])[] = [
  [0x0203, 0x0205, 'battery-monitor'],
  [0x0300, 0x0300, 'solar-charger'],
  [0xa040, 0xa07f, 'solar-charger'],
  [0xa102, 0xa117, 'solar-charger'],
  [0xa201, 0xa2a4, 'inverter'],
  [0xa340, 0xa347, 'charger'],
  [0xa381, 0xa383, 'battery-monitor'],
  [0xa389, 0xa38b, 'battery-monitor'],
  [0xa3f0, 0xa3f0, 'converter'],
];

/**
 * Class of a device by its product id, never by the labels it sends. No id at all is a BMV-60x, the only family that
 * sends none.
 */
export function productClass(productId: unknown): ProductClass {
  if (productId === undefined) return 'battery-monitor';
  if (typeof productId !== 'number') return 'unknown';
  return RANGES.find(([from, to]) => productId >= from && productId <= to)?.[2] ?? 'unknown';
}

/** Name by product id, where the device does not send one. */
export function productName(productId: unknown): string | undefined {
  return typeof productId === 'number' ? NAMES[productId] : undefined;
}
