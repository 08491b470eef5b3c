export type DockerfileFacts = {
  /** The port that it says the service listens on. */
  port: string | undefined
  /** Whether it sets PORT itself. */
  setsPort: boolean
}

/** What a Dockerfile says of ports: the last EXPOSE of the stages, else what it sets PORT to. */
export function readDockerfile(text: string): DockerfileFacts {
  const lines = text
    .replace(/\r/g, '')
    .replace(/^[ \t]*#.*\n?/gm, '')
    .replace(/\\[ \t]*\n/g, ' ')
    .split('\n')
  const variables = new Map<string, string>()
  let exposed: string | undefined
  let setsPort = false
  for (const line of lines) {
    const [, instruction = '', rest = ''] = /^\s*([A-Za-z]+)\s+(.*)$/.exec(line) ?? []
    const kind = instruction.toUpperCase()
    if (kind === 'ENV' || kind === 'ARG') {
      for (const [name, value] of assignments(rest)) variables.set(name, value)
      if (kind === 'ENV') setsPort ||= assignments(rest).some(([name]) => name === 'PORT')
    }
    if (kind === 'EXPOSE') exposed = portIn(rest, variables) ?? exposed
  }
  return { port: exposed ?? (setsPort ? portIn(variables.get('PORT') ?? '', variables) : undefined), setsPort }
}

/** `A=b C="d e"`, or the older `A b`. */
function assignments(text: string): [string, string][] {
  const found = [...text.matchAll(/([A-Za-z_]\w*)=("[^"]*"|'[^']*'|\S*)/g)]
  if (found.length > 0) return found.map(([, name = '', value = '']) => [name, value.replace(/^(["'])(.*)\1$/, '$2')])
  const [, name, value] = /^([A-Za-z_]\w*)\s+(.*\S)/.exec(text) ?? []
  return name === undefined ? [] : [[name, value ?? '']]
}

function portIn(text: string, variables: ReadonlyMap<string, string>): string | undefined {
  const [first = ''] = text.trim().split(/\s+/)
  const known = first.replace(
    /\$\{?(\w+)(?::-(\d+))?\}?/,
    (_, name: string, usual = '') => variables.get(name) ?? usual,
  )
  const [, port] = /^(\d{1,5})(?:\/tcp)?$/i.exec(known) ?? []
  return port !== undefined && Number(port) > 0 && Number(port) < 65_536 ? String(Number(port)) : undefined
}
