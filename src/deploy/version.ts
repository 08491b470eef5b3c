import { JijiError } from '../errors.ts'
import type { Runner } from '../runner/runner.ts'
import { sh } from '../shell/script.ts'
import { sourceUrl } from './source-url.ts'

/** What git says of the project's folder; nothing where it is no work tree. */
export type Tree = {
  /** The short commit, with `-dirty-HASH` of the changes when the folder is not clean. */
  version?: string
  /** The same with the whole commit. */
  revision?: string
  /** Where it comes from, as a web address. */
  source?: string
}

export async function readTree(here: Runner, root: string): Promise<Tree> {
  const { code, stdout } = await here.run(sh`cd ${root} || exit
commit=$(git rev-parse --short HEAD 2>/dev/null) || exit
changes=$(git status --porcelain -- . 2>/dev/null) || exit
hash=
[ -z "$changes" ] || hash=$({
  git diff --binary HEAD -- .
  git ls-files --others --exclude-standard -- .
  git ls-files --others --exclude-standard -- . | git hash-object --stdin-paths
} | git hash-object --stdin | cut -c 1-7)
echo "version $commit\${hash:+-dirty-$hash}"
echo "revision $(git rev-parse HEAD)\${hash:+-dirty-$hash}"
remote=$(git remote | grep -x origin || git remote | head -n 1)
[ -z "$remote" ] || echo "remote $(git remote get-url "$remote")"`)
  if (code !== 0) return {}
  const {
    version,
    revision,
    remote = '',
  } = Object.fromEntries([...stdout.matchAll(/^(\w+) (.+)$/gm)].map(([, name, value]) => [name, value])) as Record<
    string,
    string
  >
  const source = sourceUrl(remote)
  return { ...(version ? { version } : {}), ...(revision ? { revision } : {}), ...(source ? { source } : {}) }
}

/**
 * What this release is called: as is asked for, else as the tree is, else a time stamp.
 * @throws JijiError usage when the version cannot be a tag
 */
export function versionOf(tree: Tree, wanted: string | undefined, now: Date): string {
  if (wanted !== undefined) return checked(wanted)
  if (tree.version) return tree.version
  return now
    .toISOString()
    .replace(/[-:]/g, '')
    .replace(/\.\d+Z$/, '')
}

function checked(version: string): string {
  if (/^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}$/.test(version)) return version
  throw new JijiError('usage', `${JSON.stringify(version)} cannot be a version`, {
    hint: 'letters, digits, _ . and - are allowed, 128 at most',
  })
}
