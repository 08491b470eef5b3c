import { existsSync, readFileSync, statSync } from 'node:fs'
import { basename, join } from 'node:path'
import { readDockerfile } from '../config/propose/dockerfile.ts'
import type { Facts } from '../config/propose/facts.ts'
import { readProcfile } from '../config/propose/procfile.ts'
import { sourceUrl } from '../deploy/source-url.ts'
import { sh } from '../shell/script.ts'
import type { Context } from './context.ts'
import { thisMachine } from './servers.ts'

/** Larger than any file that people write themselves. */
const longest = 1_000_000

/** What can be seen of the project in this folder. What cannot be read is not there. */
export async function lookAround(context: Context): Promise<Facts> {
  const { directory } = context
  const read = (name: string) => textOf(join(directory, name))
  const dockerfile = read('Dockerfile') ?? read('Containerfile')
  const { remote, branch } = await askGit(context)
  return {
    folder: basename(directory),
    dockerfile: dockerfile === undefined ? undefined : readDockerfile(dockerfile),
    processes: readProcfile(read('Procfile') ?? ''),
    packageName: nameIn(read('package.json')),
    github: onGitHub(remote),
    branch,
    isRails: existsSync(join(directory, 'bin/rails')),
  }
}

/** A file of another tool that says what to deploy, if there is one. */
export function otherConfig(directory: string): string | undefined {
  const compose = ['compose.yaml', 'compose.yml', 'docker-compose.yaml', 'docker-compose.yml']
  const found = compose.find(name => existsSync(join(directory, name)))
  const kamal = 'config/deploy.yml'
  return found ?? (/^service:/m.test(textOf(join(directory, kamal)) ?? '') ? kamal : undefined)
}

export function textOf(path: string): string | undefined {
  try {
    const stat = statSync(path)
    return stat.isFile() && stat.size <= longest ? readFileSync(path, 'utf8') : undefined
  } catch {
    return undefined
  }
}

/** Of the repository that the folder is in, even where a git hook has started us in another one's name. */
async function askGit(context: Context): Promise<{ remote: string | undefined; branch: string | undefined }> {
  const script = sh`unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_PREFIX
cd ${context.directory} && command -v git >/dev/null || exit 0
remote=$(git remote 2>/dev/null | grep -x origin || git remote 2>/dev/null | head -n 1)
[ -z "$remote" ] || echo "remote $(git remote get-url "$remote")"
head=$(git symbolic-ref --short refs/remotes/origin/HEAD 2>/dev/null) && echo "branch \${head#origin/}" && exit
head=$(git symbolic-ref --short HEAD 2>/dev/null) && echo "branch $head"
exit 0`
  const { stdout } = await thisMachine(context).run(script, { signal: context.signal, timeout: 60_000 })
  const found = (key: string) => new RegExp(`^${key} (.+)$`, 'm').exec(stdout)?.[1]
  return { remote: found('remote'), branch: found('branch') }
}

function onGitHub(remote: string | undefined): Facts['github'] {
  const url = remote === undefined ? undefined : sourceUrl(remote)
  const [, owner, repository] = /^https?:\/\/github\.com\/([^/]+)\/([^/]+)$/i.exec(url ?? '') ?? []
  return owner === undefined || repository === undefined ? undefined : { owner, repository }
}

function nameIn(packageJson: string | undefined): string | undefined {
  try {
    const { name } = JSON.parse(packageJson ?? '{}') as { name?: unknown }
    return typeof name === 'string' ? name : undefined
  } catch {
    return undefined
  }
}
