import type { Output } from '../runner/runner.ts'

/** The ids of images by their names, as `findImages` prints them. Podman leaves the name of the hash away. */
export function idsIn({ stdout }: Output): Map<string, string> {
  const found = [...stdout.matchAll(/^image (\S+) (?:sha256:)?([0-9a-f]{64})$/gm)]
  return new Map(found.map(([, name = '', id = '']) => [name, id]))
}
