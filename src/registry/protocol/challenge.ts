export type Challenge = { scheme: string; parameters: Record<string, string> }

/**
 * The ways in that a server offers: each header may hold several, `Bearer realm="…",service="…"`, with commas inside
 * quotes; RFC 7235 section 2.1.
 */
export function parseChallenges(headers: string | readonly string[]): Challenge[] {
  return [headers].flat().flatMap(parseHeader)
}

function parseHeader(header: string): Challenge[] {
  const challenges: Challenge[] = []
  const token =
    /[\s,]*(?:([\w!#$%&'*+.^`|~-]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))|([\w!#$%&'*+.^`|~-]+)(?=\s|,|$))/y
  for (let match = token.exec(header); match; match = token.exec(header)) {
    const [, name, quoted, plain, scheme] = match
    if (scheme) challenges.push({ scheme: scheme.toLowerCase(), parameters: {} })
    else if (name) {
      const parameters = challenges.at(-1)?.parameters
      if (parameters) parameters[name.toLowerCase()] = quoted?.replace(/\\(.)/g, '$1') ?? plain ?? ''
    }
  }
  return challenges
}

/** The token server that somebody must go to first, where there is one. */
export function bearerOf(challenges: readonly Challenge[]): Challenge | undefined {
  return challenges.find(({ scheme, parameters }) => scheme === 'bearer' && parameters.realm)
}
