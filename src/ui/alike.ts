import { nameSome } from '../deploy/plan/rounds.ts'

/** With more servers than this, nobody reads a line of each. */
export const readable = 10

/** What is said of a server; where there are many, or is said of them, those of which the same is said are named together. */
export function nameAlike(
  said: readonly { server: string; texts: readonly string[] }[],
  isLong: boolean = new Set(said.map(({ server }) => server)).size > readable,
): [string, readonly string[]][] {
  if (!isLong) return said.map(({ server, texts }) => [server, texts])
  const alike = new Map<string, { servers: string[]; texts: readonly string[] }>()
  for (const { server, texts } of said) {
    const key = JSON.stringify(texts)
    alike.set(key, { servers: [...(alike.get(key)?.servers ?? []), server], texts })
  }
  return [...alike.values()].map(({ servers, texts }) => [nameSome(servers), texts])
}
