type Snmp = typeof import('net-snmp');

/** One column of a table that an agent shows. */
export interface AgentColumn<Row = never> {
  readonly number: number;
  readonly name: string;
  readonly type: 'Integer32' | 'Gauge32' | 'Counter32' | 'OctetString';
  get(row: Row): number | string;
  /** Writable when there. */
  set?(row: Row, value: number): void;
  /** Values a write may have. */
  readonly legal?: readonly number[];
}

/** A table whose cells are looked up when they are asked for. Its rows are fixed at start. */
export interface AgentTable<Row = never> {
  readonly name: string;
  /** OID of the entry, without a leading dot. */
  readonly entry: string;
  /** Names of the index columns, which are not shown. */
  readonly index: readonly string[];
  rows(): readonly { readonly index: readonly number[]; readonly row: Row }[];
  readonly columns: readonly AgentColumn<Row>[];
}

/** What the library's agent hands to a provider; it has no types. */
interface CellRequest {
  readonly operation: number;
  readonly oid: string;
  readonly setValue?: unknown;
  readonly testSet?: boolean;
  readonly instanceNode?: { value: unknown };
  done(error?: { errorStatus: number; type: number; value: null }): void;
}

/** Registers tables with an agent of `net-snmp`. */
export function agentTables(agent: ReturnType<Snmp['createAgent']>, snmp: Snmp, tables: readonly AgentTable[]): void {
  for (const table of tables) {
    agent.registerProvider(provider(snmp, table));
    // index columns come first in a row; they get numbers behind all others
    for (const { index, row } of table.rows())
      agent.getMib().addTableRow(table.name, [...table.columns.map((column) => column.get(row)), ...index]);
  }
}

const INDEX_COLUMNS_FROM = 200;

function provider(snmp: Snmp, table: AgentTable) {
  const { MaxAccess, ObjectType } = snmp;
  const indexColumns = table.index.map((name, at) => ({
    number: INDEX_COLUMNS_FROM + at,
    name,
    type: ObjectType.Integer32,
    maxAccess: MaxAccess['not-accessible'],
  }));
  return {
    name: table.name,
    type: snmp.MibProviderType.Table,
    oid: table.entry,
    maxAccess: MaxAccess['not-accessible'],
    tableColumns: [
      ...table.columns.map(({ number, name, type, set }) => ({
        number,
        name,
        type: ObjectType[type],
        maxAccess: MaxAccess[set === undefined ? 'read-only' : 'read-write'],
      })),
      ...indexColumns,
    ],
    tableIndex: table.index.map((columnName) => ({ columnName })),
    handler: (request: CellRequest) => answer(snmp, table, request),
  };
}

/** Reads the cell from the world, or checks and then makes a write (the agent calls twice for a SET). */
function answer(snmp: Snmp, table: AgentTable, request: CellRequest): void {
  const [number, ...index] = request.oid
    .slice(table.entry.length + 1)
    .split('.')
    .map(Number);
  const column = table.columns.find((each) => each.number === number);
  const row = table.rows().find((each) => each.index.every((arc, at) => arc === index[at]))?.row;
  const value = Number(request.setValue);
  const isWrite = request.operation === snmp.PduType.SetRequest;
  if (column === undefined || row === undefined || (isWrite && column.legal?.includes(value) === false)) {
    const errorStatus = snmp.ErrorStatus[column && row ? 'WrongValue' : 'GeneralError'];
    request.done({ errorStatus, type: snmp.ObjectType.Null, value: null });
    return;
  }
  if (isWrite && !request.testSet) column.set?.(row, value);
  if (request.instanceNode !== undefined) request.instanceNode.value = column.get(row);
  request.done();
}
