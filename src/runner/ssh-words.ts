import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { Secret } from '../config/secret.ts'
import { quote } from '../shell/script.ts'
import type { SshTarget } from './ssh-target.ts'

/** What a person would type behind `ssh` to get to a server as we do, as far as files on this machine lead there. */
export function sshWords({ host, user, port, keys, config, proxy, strict }: SshTarget): string {
  const words = [
    ...(config === true ? [] : ['-F', config === false ? 'none' : fileOf(config)]),
    ...keys.flatMap(key => (key instanceof Secret ? [] : ['-i', fileOf(key)])),
    ...(proxy ? ['-J', proxy] : []),
    ...(strict ? ['-o', 'StrictHostKeyChecking=yes'] : []),
    ...(port ? ['-p', String(port)] : []),
    user ? `${user}@${host}` : host,
  ]
  return words.map(quote).join(' ')
}

function fileOf(path: string): string {
  return resolve(path.replace(/^~(?=\/)/, homedir()))
}
