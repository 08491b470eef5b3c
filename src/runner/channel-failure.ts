/** Why a server did not open a channel, in its own words. */
export function whyNotOpened(error: Error): string {
  return error.message.replace('(SSH) Channel open failure: ', '') || 'no reason given'
}

/** It does not allow it (RFC 4254, 5.1), as opposed to not being able to. */
export function isForbidden(error: Error & { reason?: unknown }): boolean {
  return error.reason === 1
}
