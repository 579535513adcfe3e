/**
 * `segment` as one segment of a path. Throws a TypeError for what URL clients fold away, which would lead to another route: the empty
 * text, `.` and `..`. Everything else is for the service to judge.
 */
export function encodeSegment(segment: string): string {
  if (segment === '' || segment === '.' || segment === '..') throw new TypeError(`${JSON.stringify(segment)} cannot be part of a path`);
  return encodeURIComponent(segment);
}

/** The query with these parameters, without those that are undefined. Empty, or begins with `?`. */
export function queryOf(parameters: Record<string, string | number | undefined>): string {
  const given = Object.entries(parameters).flatMap(([name, value]) => (value === undefined ? [] : [[name, String(value)]]));
  return given.length === 0 ? '' : `?${new URLSearchParams(given)}`;
}
