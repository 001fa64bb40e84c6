/** String and number formats that are checked; a format not listed here is documentation. */

const int32 = 2 ** 31;

const strings: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': (t) =>
    /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/.test(t) && !Number.isNaN(Date.parse(t)),
  date: (t) => /^\d{4}-\d\d-\d\d$/.test(t) && !Number.isNaN(Date.parse(t)),
  byte: (t) => /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(t),
  email: (t) => /^[^\s@]+@[^\s@]+$/.test(t),
  hostname: (t) =>
    t.length <= 253 &&
    /^[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?(\.[A-Za-z0-9]([-A-Za-z0-9]*[A-Za-z0-9])?)*$/.test(t),
  ipv4: (t) => /^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$/.test(t),
  ipv6: (t) => /^[0-9A-Fa-f:.]+$/.test(t) && t.includes(':'),
  uri: (t) => URL.canParse(t),
  uuid: (t) => /^[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}$/i.test(t),
  duration: (t) => /^([+-]?\d+(\.\d+)?(ns|us|µs|ms|s|m|h))+$/.test(t),
};

export function matchesFormat(value: string | number, format: string): boolean {
  if (typeof value === 'number') {
    if (format === 'int32') return value >= -int32 && value < int32;
    return true;
  }
  return Object.hasOwn(strings, format) ? (strings[format] as (text: string) => boolean)(value) : true;
}
