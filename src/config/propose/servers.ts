import { JijiError } from '../../errors.ts'
import type { Draft } from '../draft.ts'

/**
 * Addresses as the configuration has servers, by names that are given them: web1, web2.
 * @throws JijiError usage
 */
export function proposeServers(addresses: readonly string[]): Draft {
  const all = addresses.length > 0 ? addresses : ['web1.example.com']
  return Object.fromEntries(all.map((address, index) => [`web${index + 1}`, readAddress(address)]))
}

function readAddress(written: string): Draft {
  const text = written.trim()
  const match =
    /^(?:([^@\s:]+)@)?(\[[0-9a-fA-F:.]+\]|[^@\s:[\]/]+|[0-9a-fA-F]*(?::[0-9a-fA-F]*){2,})(?::(\d{1,5}))?$/.exec(text)
  if (!match) {
    throw new JijiError('usage', `${JSON.stringify(written)} is no address of a server`, {
      hint: 'write a name of ~/.ssh/config, or [user@]host[:port]',
    })
  }
  const [, user, host = '', port] = match
  const address = host.replace(/^\[(.*)\]$/, '$1')
  return { host: address, ...(user === undefined ? {} : { user }), ...(port === undefined ? {} : { port }) }
}
