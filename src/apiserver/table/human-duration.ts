/**
 * Ages as `kubectl get` shows them (`45s`, `3m20s`, `5d3h`, `2y14d`): the two largest units, the smaller
 * one only while it still matters.
 */

const second = 1000;
const minute = 60 * second;
const hour = 60 * minute;

/** A whole and a rest; a rest of nothing is not shown. */
function pair(whole: number, unit: string, rest: number, restUnit: string): string {
  return rest === 0 ? `${whole}${unit}` : `${whole}${unit}${rest}${restUnit}`;
}

/**
 * @param ms length in milliseconds; up to two seconds below zero count as clock skew and give `0s`, more
 *   gives `<invalid>`
 */
export function humanDuration(ms: number): string {
  const seconds = Math.trunc(ms / second);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 2 * 60) return `${seconds}s`;
  const minutes = Math.trunc(ms / minute);
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's');
  if (minutes < 3 * 60) return `${minutes}m`;
  const hours = Math.trunc(ms / hour);
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${hours}h`;
  const days = Math.trunc(hours / 24);
  if (hours < 8 * 24) return pair(days, 'd', hours % 24, 'h');
  if (days < 2 * 365) return `${days}d`;
  const years = Math.trunc(days / 365);
  return years < 8 ? pair(years, 'y', days % 365, 'd') : `${years}y`;
}

/** How long ago an RFC 3339 time was; `<unknown>` for none, `<invalid>` for text that is no time. */
export function since(time: string | null | undefined, now: number): string {
  if (!time) return '<unknown>';
  const at = Date.parse(time);
  return Number.isNaN(at) ? '<invalid>' : humanDuration(now - at);
}
