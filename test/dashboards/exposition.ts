/** One scrape of the service: values by series, as `name{label="value"}`. */
export interface Exposition {
  /** When the picture was taken by the service's clock, s since 1970. */
  readonly atS: number;
  readonly series: ReadonlyMap<string, number>;
}

export function parseExposition(text: string): Exposition {
  const series = new Map<string, number>();
  for (const line of text.split('\n')) {
    const at = line.lastIndexOf(' ');
    if (line.startsWith('#') || at < 0) continue;
    series.set(line.slice(0, at), Number(line.slice(at + 1)));
  }
  return { atS: series.get('holdover_snapshot_timestamp_seconds') ?? 0, series };
}
