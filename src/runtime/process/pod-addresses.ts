/** Addresses for pods out of one range, each given once until it is released. */

const toNumber = (ip: string) => ip.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
const toText = (n: number) => [24, 16, 8, 0].map((shift) => Math.floor(n / 2 ** shift) % 256).join('.');

export class PodAddresses {
  readonly #first: number;
  readonly #last: number;
  readonly #used = new Set<number>();
  #next: number;

  /** @param cidr IPv4; its first two addresses and its last are never given. @throws TypeError */
  constructor(cidr: string) {
    const match = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(cidr);
    const bits = Number(match?.[2]);
    if (!match?.[1] || match[1].split('.').some((part) => Number(part) > 255) || bits < 8 || bits > 29) {
      throw new TypeError(`not an IPv4 range of 8 to 2^24 addresses: ${cidr}`);
    }
    const size = 2 ** (32 - bits);
    const base = Math.floor(toNumber(match[1]) / size) * size;
    this.#first = base + 2;
    this.#last = base + size - 2;
    this.#next = this.#first;
  }

  /** Notes an address of a former life. */
  reserve(ip: string): void {
    const n = toNumber(ip);
    this.#used.add(n);
    // Addresses go round, so that one is not soon given again to somebody else.
    if (n >= this.#next && n < this.#last) this.#next = n + 1;
  }

  /** undefined when all are taken. */
  allocate(): string | undefined {
    for (let tried = 0; tried <= this.#last - this.#first; tried++) {
      const n = this.#next;
      this.#next = n >= this.#last ? this.#first : n + 1;
      if (this.#used.has(n)) continue;
      this.#used.add(n);
      return toText(n);
    }
    return undefined;
  }

  release(ip: string): void {
    this.#used.delete(toNumber(ip));
  }
}
