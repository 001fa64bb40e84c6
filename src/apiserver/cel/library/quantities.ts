/** Quantities (`100m`, `1.5Gi`) as the quantity library of Kubernetes has them. */
import { isQuantity, parseQuantity } from '../../../api/index.js';
import { func, method, type Overload, traversal } from '../functions.js';
import { CelError, OpaqueValue, type Value } from '../values.js';

const nanos = 1_000_000_000n;

class QuantityValue extends OpaqueValue {
  override readonly typeName = 'kubernetes.Quantity';

  constructor(readonly value: bigint) {
    super();
  }

  override equals(other: OpaqueValue): boolean {
    return other instanceof QuantityValue && other.value === this.value;
  }
}

function parse(text: string): Value {
  if (isQuantity(text)) return new QuantityValue(parseQuantity(text));
  return new CelError(
    "quantity parse error: quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
  );
}

function isInteger({ value }: QuantityValue): boolean {
  const whole = value / nanos;
  return value % nanos === 0n && whole < 2n ** 63n && whole >= -(2n ** 63n);
}

function combined(sign: 1n | -1n) {
  return ({ value }: QuantityValue, other: QuantityValue | bigint): Value =>
    new QuantityValue(value + sign * (typeof other === 'bigint' ? other * nanos : other.value));
}

export const quantityFunctions: readonly Overload[] = [
  func('quantity(string): kubernetes.Quantity', parse, { cost: traversal }),
  func('isQuantity(string): bool', (text: string) => isQuantity(text), { cost: traversal }),
  method('kubernetes.Quantity.sign(): int', ({ value }: QuantityValue) =>
    value > 0n ? 1n : value < 0n ? -1n : 0n,
  ),
  method('kubernetes.Quantity.isInteger(): bool', isInteger),
  method('kubernetes.Quantity.asInteger(): int', (quantity: QuantityValue) =>
    isInteger(quantity) ? quantity.value / nanos : new CelError('cannot convert value to integer'),
  ),
  method(
    'kubernetes.Quantity.asApproximateFloat(): double',
    ({ value }: QuantityValue) => Number(value) / 1e9,
  ),
  method(
    'kubernetes.Quantity.isGreaterThan(kubernetes.Quantity): bool',
    (a: QuantityValue, b: QuantityValue) => a.value > b.value,
  ),
  method(
    'kubernetes.Quantity.isLessThan(kubernetes.Quantity): bool',
    (a: QuantityValue, b: QuantityValue) => a.value < b.value,
  ),
  method('kubernetes.Quantity.compareTo(kubernetes.Quantity): int', (a: QuantityValue, b: QuantityValue) =>
    a.value > b.value ? 1n : a.value < b.value ? -1n : 0n,
  ),
  ...(['kubernetes.Quantity', 'int'] as const).flatMap((other) => [
    method(`kubernetes.Quantity.add(${other}): kubernetes.Quantity`, combined(1n)),
    method(`kubernetes.Quantity.sub(${other}): kubernetes.Quantity`, combined(-1n)),
  ]),
];
