/** A name as the configuration takes one: small letters, digits, - and _ within. */
export function fitName(written: string, longest = 40): string | undefined {
  const fit = written
    .toLowerCase()
    .replace(/[^a-z0-9_]+/g, '-')
    .replace(/[-_]{2,}/g, '-')
    .replace(/^[-_]+/, '')
    .slice(0, longest)
    .replace(/[-_]+$/, '')
  return fit === '' ? undefined : fit
}

/** The name itself, or with a number where it is taken. */
export function freeName(wanted: string, isTaken: (name: string) => boolean): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? wanted : `${wanted}-${number}`
    if (!isTaken(name)) return name
  }
}

/** The name of a secret, as fields take it. */
export function secretNameOf(written: string): string {
  const name = written.toUpperCase().replace(/[^A-Z0-9_]+/g, '_')
  return /^[A-Z]/.test(name) ? name : `SECRET_${name.replace(/^_+/, '')}`
}

/** Whether no authority gives a certificate for a domain. */
export function isLocalName(domain: string): boolean {
  return /(^|\.)(localhost|local|test|internal|invalid|example|example\.(com|net|org))$/i.test(domain)
}
