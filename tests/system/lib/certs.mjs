// X.509 certificates made on the spot, for tests of TLS: a CA of its own and server certificates
// that are right, expired or for somebody else. Writes DER by hand so that no program is needed.
import { generateKeyPairSync, randomBytes, sign } from 'node:crypto';

const length = (n) => (n < 128 ? Buffer.from([n])
  : n < 256 ? Buffer.from([0x81, n]) : Buffer.from([0x82, n >> 8, n & 255]));
const der = (tag, ...parts) => {
  const body = Buffer.concat(parts);
  return Buffer.concat([Buffer.from([tag]), length(body.length), body]);
};
const seq = (...parts) => der(0x30, ...parts);
const octets = (body) => der(0x04, body);
const bits = (body) => der(0x03, Buffer.from([0]), body);
const bool = (value) => der(0x01, Buffer.from([value ? 0xff : 0]));
const oid = (text) => {
  const [a, b, ...rest] = text.split('.').map(Number);
  const out = [40 * a + b];
  for (const n of rest) {
    const digits = [n & 127];
    for (let r = n >> 7; r > 0; r >>= 7) digits.unshift((r & 127) | 128);
    out.push(...digits);
  }
  return der(0x06, Buffer.from(out));
};
const time = (date) => der(0x18, Buffer.from(`${date.toISOString().replace(/[-:T]/g, '').slice(0, 14)}Z`));
const name = (cn) => seq(der(0x31, seq(oid('2.5.4.3'), der(0x0c, Buffer.from(cn)))));
const extension = (id, critical, value) => seq(oid(id), ...(critical ? [bool(true)] : []), octets(value));
const kEcdsaSha256 = seq(oid('1.2.840.10045.4.3.2'));
const pem = (label, body) => `-----BEGIN ${label}-----\n${body.toString('base64').match(/.{1,64}/g).join('\n')}\n-----END ${label}-----\n`;
const days = (n) => new Date(Date.now() + n * 86_400_000);

function certificate({ subject, issuer, key, issuerKey, from, to, extensions }) {
  const serial = randomBytes(8);
  serial[0] &= 0x7f; serial[0] |= 0x40;
  const body = seq(
    der(0xa0, der(0x02, Buffer.from([2]))), der(0x02, serial), kEcdsaSha256, name(issuer), seq(time(from), time(to)), name(subject),
    key.publicKey.export({ type: 'spki', format: 'der' }), der(0xa3, seq(...extensions)));
  return pem('CERTIFICATE', seq(body, kEcdsaSha256, bits(sign('sha256', body, issuerKey.privateKey))));
}

export class Authority {
  #key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  constructor(cn = 'CLASP test CA') {
    this.name = cn;
    this.cert = certificate({ subject: cn, issuer: cn, key: this.#key, issuerKey: this.#key, from: days(-2), to: days(30),
      extensions: [extension('2.5.29.19', true, seq(bool(true))), extension('2.5.29.15', true, der(0x03, Buffer.from([1, 6])))] });
  }

  // {cert, key} for a server, or, with usage client, for a client named names[0]. names: DNS names and IPv4 addresses.
  issue(names, { from = days(-1), to = days(10), usage = 'server' } = {}) {
    const key = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const general = names.map((n) => (/^\d+(\.\d+){3}$/.test(n) ? der(0x87, Buffer.from(n.split('.').map(Number))) : der(0x82, Buffer.from(n))));
    const cert = certificate({ subject: names[0], issuer: this.name, key, issuerKey: this.#key, from, to,
      extensions: [extension('2.5.29.17', false, seq(...general)), extension('2.5.29.37', false, seq(oid(usage === 'server' ? '1.3.6.1.5.5.7.3.1' : '1.3.6.1.5.5.7.3.2')))] });
    return { cert, key: key.privateKey.export({ type: 'pkcs8', format: 'pem' }) };
  }
  issueFuture(names) { return this.issue(names, { from: days(2), to: days(9) }); }
  issueExpired(names) { return this.issue(names, { from: days(-20), to: days(-1) }); }
}
