/**
 * What a token allows on a repository, where the token says so itself: the `access` of a JWT. Undefined for one that
 * only its registry can read.
 */
export function grantedActions(token: string, repository: string): string[] | undefined {
  const access = accessOf(token)
  if (!Array.isArray(access)) return undefined
  const actions = access.filter(one => isFor(one, repository)).flatMap(({ actions }) => actions)
  const known = actions.filter((action): action is string => typeof action === 'string')
  return known.includes('*') ? ['pull', 'push'] : [...new Set(known)]
}

function isFor(entry: unknown, repository: string): entry is { actions: unknown[] } {
  if (typeof entry !== 'object' || entry === null) return false
  const { type, name, actions } = entry as Record<string, unknown>
  return type === 'repository' && name === repository && Array.isArray(actions)
}

function accessOf(token: string): unknown {
  try {
    const payload: unknown = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString())
    return (payload as { access?: unknown }).access
  } catch {
    return undefined
  }
}
