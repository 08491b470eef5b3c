/** What stands in `.kamal` beside the file, by its names. */
export type Neighbours = { hooks: readonly string[]; secrets: readonly string[] }

const kept = ['pre-connect', 'pre-build', 'pre-deploy', 'post-deploy']

/** What is to be done about it. Values of secrets are not looked at. */
export function adviceOn({ hooks, secrets }: Neighbours, needed: readonly string[]): string[] {
  const isKept = (name: string) => kept.includes(name)
  const known = secrets.filter(name => needed.includes(name))
  return [
    ...hooks
      .filter(isKept)
      .map(name => `.kamal/hooks/${name}: copy it to .jiji/hooks, where it is told JIJI_… instead of KAMAL_…`),
    ...hooks.filter(name => !isKept(name)).map(name => `.kamal/hooks/${name}: left out: jiji has no such hook`),
    ...(known.length > 0
      ? [`.kamal/secrets: ${known.join(', ')}: put their values into .env, or set them in the environment`]
      : []),
  ]
}
