/** An option as help shows it; `flags` in cac's form. */
export type OptionSpec = { flags: string; description: string }

/** Options that mean the same wherever they are taken; each is also read from `JIJI_NAME`. */
export const shared = {
  config: {
    flags: '-c, --config <file>',
    description: 'Configuration to use, instead of the nearest .jiji/deploy.yml',
  },
  environment: {
    flags: '-e, --environment <name>',
    description: 'Environment: .jiji/deploy.NAME.yml is laid over the base',
  },
  hosts: { flags: '-H, --hosts <names>', description: 'Only these servers (names, * wildcards, comma lists)' },
  services: { flags: '-S, --services <names>', description: 'Only these services (names, * wildcards, comma lists)' },
  output: { flags: '-o, --output <format>', description: 'table or json' },
  yes: { flags: '-y, --yes', description: 'Ask nothing' },
  quiet: { flags: '-q, --quiet', description: 'Only results, warnings and errors' },
  verbose: { flags: '-v, --verbose', description: 'Show each command that is run' },
  progress: { flags: '--progress <how>', description: 'How it is shown: auto, or plain for lines that never change' },
  version: { flags: '--version <tag>', description: 'Version to use, instead of the one git gives' },
  dryRun: { flags: '--dry-run', description: 'Show what would be done, and do nothing' },
  wait: {
    flags: '--wait [duration]',
    description: 'Wait for the lock while somebody else has it (15m, or as long as this says)',
  },
  skipUnreachable: {
    flags: '--skip-unreachable',
    description: 'Leave out servers that cannot be reached, and go on with the others',
  },
  skipHooks: { flags: '--skip-hooks', description: 'Leave out the hooks in .jiji/hooks' },
  noHostEnv: { flags: '--no-host-env', description: 'Take secrets from .env files only, not from the environment' },
} as const satisfies Record<string, OptionSpec>

export type SharedOption = keyof typeof shared

/** Its long name, whether it takes a value or may take one, and its short form. */
export function describeOption({ flags }: OptionSpec): {
  name: string
  short: string | undefined
  takesValue: boolean
  mayTakeValue: boolean
} {
  const name = /--([a-z-]+)/.exec(flags)?.[1] ?? ''
  return {
    name,
    short: /^-([A-Za-z]),/.exec(flags)?.[1],
    takesValue: flags.includes('<'),
    mayTakeValue: /[<[]/.test(flags),
  }
}

/** The variable that gives an option a value where the command line does not. */
export function variableOf(name: string): string {
  return `JIJI_${name.toUpperCase().replaceAll('-', '_')}`
}

/** Whether a variable switches something on. */
export function isOn(value: string | undefined): boolean {
  return value !== undefined && !['', '0', 'false'].includes(value)
}

/** The options of one invocation, by their long names. A variable is read where its option is taken, and nowhere else. */
export class Options {
  readonly #given: ReadonlyMap<string, readonly string[]>
  readonly #environment: Readonly<Record<string, string | undefined>>

  constructor(
    given: ReadonlyMap<string, readonly string[]>,
    environment: Readonly<Record<string, string | undefined>>,
  ) {
    this.#given = given
    this.#environment = environment
  }

  text(name: string): string | undefined {
    return this.#given.get(name)?.at(-1) ?? this.#fromEnvironment(name)
  }

  list(name: string): string[] | undefined {
    const fallback = this.#fromEnvironment(name)
    const given = this.#given.get(name)
    return given ? [...given] : fallback === undefined ? undefined : [fallback]
  }

  /** Whether it stands on the command line itself. */
  isGiven(name: string): boolean {
    return this.#given.has(name)
  }

  flag(name: string): boolean {
    if (this.isGiven(name)) return true
    return isOn(this.#fromEnvironment(name))
  }

  #fromEnvironment(name: string): string | undefined {
    return this.#environment[variableOf(name)] || undefined
  }
}
