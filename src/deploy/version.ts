import { JijiError } from '../errors.ts'
import type { Runner } from '../runner/runner.ts'
import { sh } from '../shell/script.ts'

/**
 * What this release is called: the one that is asked for, else git's short commit (with `-dirty-HASH` of the changes
 * when the project's folder is not clean), else a time stamp.
 * @throws JijiError usage when the version cannot be a tag
 */
export async function findVersion(here: Runner, root: string, wanted: string | undefined, now: Date): Promise<string> {
  if (wanted !== undefined) return checked(wanted)
  const { code, stdout } = await here.run(sh`cd ${root} || exit
commit=$(git rev-parse --short HEAD 2>/dev/null) || exit
changes=$(git status --porcelain -- . 2>/dev/null) || exit
[ -n "$changes" ] || { echo "$commit"; exit; }
hash=$({
  git diff --binary HEAD -- .
  git ls-files --others --exclude-standard -- .
  git ls-files --others --exclude-standard -- . | git hash-object --stdin-paths
} | git hash-object --stdin)
echo "$commit-dirty-$hash" | cut -c "1-$((\${#commit} + 14))"`)
  if (code === 0 && stdout.trim()) return stdout.trim()
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
