import { createHash } from 'node:crypto'
import { belongTogether, isFor, namesIn } from './certificate.ts'
import type { Config, Target } from './config.ts'
import { InvalidConfig, type Problem } from './problem.ts'
import type { Secret } from './secret.ts'
import type { Secrets } from './secrets.ts'

/** A certificate with its key, in the file that the proxy reads. Another certificate is another file. */
export type OwnCertificate = { file: string; pem: Secret }

/** By the name of the secret that holds the certificate. */
export type OwnCertificates = ReadonlyMap<string, OwnCertificate>

/** @throws InvalidConfig where a certificate is not for its hosts, or not for its key */
export function ownCertificates({ services, locate }: Config, secrets: Secrets): OwnCertificates {
  const problems: Problem[] = []
  const found = new Map<string, OwnCertificate>()
  for (const { ssl, hosts, redirect_from } of services.flatMap(({ proxy }) => proxy?.targets ?? [])) {
    if (typeof ssl === 'boolean') continue
    const { certificate_pem, private_key_pem } = ssl
    const certificate = secrets.of(certificate_pem).reveal()
    const key = secrets.of(private_key_pem)
    const problem = ({ path }: typeof certificate_pem, message: string, hint: string) =>
      problems.push({ ...locate(path), path: path.join('.'), code: 'wrong-secret', message, hint })
    if (!belongTogether(certificate, key.reveal())) {
      const message = `${private_key_pem.text} is not the key of the certificate in ${certificate_pem.text}`
      problem(private_key_pem, message, 'a certificate and its key are renewed together')
    }
    const missing = [...hosts, ...redirect_from].filter(host => !isFor(certificate, host))
    if (missing.length > 0) {
      const message = `the certificate in ${certificate_pem.text} is not for ${missing.join(', ')}`
      problem(certificate_pem, message, `it is for ${namesIn(certificate)}`)
    }
    const hash = createHash('sha256').update(certificate).digest('hex').slice(0, 16)
    found.set(certificate_pem.text, {
      file: `${hash}.pem`,
      pem: key.map(text => `${certificate.trim()}\n${text.trim()}\n`),
    })
  }
  if (problems.length > 0) throw new InvalidConfig(problems)
  return found
}

/** The name of the secret that holds a target's own certificate. */
export function certificateOf({ ssl }: Target): string | undefined {
  return typeof ssl === 'boolean' ? undefined : ssl.certificate_pem.text
}
