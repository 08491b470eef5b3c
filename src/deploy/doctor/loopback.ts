import type { Answers } from './answers.ts'
import { ok, problem, unknown, type Verdict, warning } from './finding.ts'

/** The addresses by which a server reaches itself: a tunnel ends at 127.0.0.1, and nowhere else. */
export function judgeLoopback({ addresses, resolved }: Pick<Answers, 'addresses' | 'resolved'>): Verdict {
  const families = ['127.0.0.1', '::1'].filter(one => addresses.includes(one))
  if (!addresses.some(one => !isLoopback(one)) && families.length === 0)
    return unknown('no-ip', 'its addresses could not be read', 'install ip there (iproute2) for this check')
  if (!families.includes('127.0.0.1') && families.length > 0)
    return problem(
      'failed',
      'no-loopback',
      'it has no 127.0.0.1, where a tunnel and the health checks end',
      'bring its loopback up: sudo ip link set lo up',
    )
  const names = resolved?.get('localhost')
  if (names && !names.includes('127.0.0.1'))
    return warning(
      'odd-localhost',
      `localhost is ${names.join(', ') || 'no address'} there, and not 127.0.0.1`,
      'its /etc/hosts should have the line: 127.0.0.1 localhost',
    )
  return ok([families.join(' and ') || '127.0.0.1', ...(names ? [`localhost is ${names.join(', ')}`] : [])].join('; '))
}

export function isLoopback(address: string): boolean {
  return address === '::1' || address.startsWith('127.')
}
