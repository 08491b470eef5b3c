import { createPrivateKey, X509Certificate } from 'node:crypto'

/**
 * What a secret holds that is to be a certificate: the host's own, and those of its authorities after it.
 * @throws Error that says what is wrong with it
 */
export function readCertificate(found: string): string {
  const { validFrom, validTo } = parse(found)
  if (Date.parse(validTo) < Date.now()) throw new Error(`the certificate was valid until ${day(validTo)}`)
  if (Date.parse(validFrom) > Date.now()) throw new Error(`the certificate is not valid before ${day(validFrom)}`)
  return found
}

/** @throws Error that repeats nothing of the key */
export function readPrivateKey(found: string): string {
  try {
    createPrivateKey(found)
    return found
  } catch {
    throw new Error('expected a private key in PEM form, without a passphrase')
  }
}

export function belongTogether(certificate: string, privateKey: string): boolean {
  return parse(certificate).checkPrivateKey(createPrivateKey(privateKey))
}

/** Whether a certificate is for a host name, which may be a wildcard itself. */
export function isFor(certificate: string, host: string): boolean {
  return parse(certificate).checkHost(host.replace('*', 'any-name')) !== undefined
}

/** The names in a certificate, for people. */
export function namesIn(certificate: string): string {
  const { subjectAltName, subject } = parse(certificate)
  return subjectAltName?.replaceAll('DNS:', '') ?? subject.replaceAll('\n', ', ')
}

function parse(text: string): X509Certificate {
  try {
    return new X509Certificate(text)
  } catch {
    throw new Error('expected a certificate in PEM form')
  }
}

function day(date: string): string {
  return new Date(date).toISOString().slice(0, 10)
}
