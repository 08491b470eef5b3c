import { JijiError } from '../errors.ts'

/** What `builder.remote` says. What it leaves out comes from `ssh`, as for a server. */
export type BuilderAddress = { host: string; user: string | undefined; port: number | undefined }

const form = /^ssh:\/\/(?:([^@:/\s]+)(:[^@/]*)?@)?(\[[0-9A-Fa-f:]+\]|[A-Za-z0-9][A-Za-z0-9._-]*)(?::(\d{1,5}))?\/?$/

/** @throws JijiError config.invalid, without what was written: a password may be in it */
export function readBuilderAddress(text: string): BuilderAddress {
  const [, user, password, host, port] = form.exec(text) ?? []
  if (password !== undefined || /^[a-z]+:\/\/[^@/]*:[^@/]*@/i.test(text)) {
    throw new JijiError('config.invalid', 'there is a password in the address', {
      hint: 'ssh logs in with keys: ssh.keys names them, and an agent is asked',
    })
  }
  const isPort = port === undefined || (Number(port) >= 1 && Number(port) <= 65_535)
  if (host === undefined || !isPort)
    throw new JijiError('config.invalid', 'expected ssh://[user@]host[:port]', {
      hint: 'for example ssh://builder@build.example.com:22',
    })
  return { host: host.replace(/^\[|\]$/g, ''), user, port: port === undefined ? undefined : Number(port) }
}
