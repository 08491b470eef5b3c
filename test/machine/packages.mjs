import { existsSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lastLines, must, run, say } from './command.mjs'

const noninteractive = { DEBIAN_FRONTEND: 'noninteractive', LC_ALL: 'C.UTF-8' }
const installOptions = ['-y', '-q', '--no-install-recommends', '-o', 'DPkg::Lock::Timeout=120']

/** Whether packages can be installed here: as root on Debian or one of its kin. */
export function canInstall() {
  return process.getuid?.() === 0 && existsSync('/etc/debian_version') && existsSync('/usr/bin/apt-get')
}

/**
 * Makes sure that Debian packages are installed, without starting any service that they bring.
 * @param {string[]} names
 * @returns {Promise<{ installed: string[], missing: string[] }>} what was installed now, and what is missing because
 * nothing can be installed here
 */
export async function ensurePackages(names) {
  const absent = await absentOf(names)
  if (absent.length === 0) return { installed: [], missing: [] }
  if (!canInstall()) return { installed: [], missing: absent }
  say(`installing Debian packages: ${absent.join(' ')}`)
  const allowServices = forbidServices()
  try {
    await apt(['install', ...installOptions, ...absent])
  } finally {
    allowServices()
  }
  return { installed: absent, missing: [] }
}

/**
 * Unpacks Debian packages into a new directory without installing them: nothing is set up, nothing is registered.
 * @param {string[]} names
 * @returns {Promise<string>} the directory, for the caller to remove
 */
export async function unpackPackages(names) {
  const directory = mkdtempSync(join(tmpdir(), 'jiji-packages-'))
  await apt(['download', '-q', ...names], directory)
  const archives = (await readdir(directory)).filter(file => file.endsWith('.deb'))
  for (const archive of archives) await must('dpkg-deb', ['-x', archive, '.'], { cwd: directory })
  return directory
}

/**
 * @param {string[]} names
 * @returns {Promise<string[]>}
 */
async function absentOf(names) {
  const { stdout } = await run('dpkg-query', ['-W', '-f', '${Package} ${db:Status-Status}\\n', ...names])
  const installed = new Set(
    stdout
      .split('\n')
      .filter(line => line.endsWith(' installed'))
      .map(line => line.split(' ')[0]),
  )
  return names.filter(name => !installed.has(name))
}

/**
 * Runs apt-get. Its lists are fetched only if it fails without them: they are missing or too old.
 * @param {string[]} args
 * @param {string} [cwd]
 */
async function apt(args, cwd) {
  const options = { env: noninteractive, ...(cwd ? { cwd } : {}) }
  if ((await run('apt-get', args, options)).code === 0) return
  if (canInstall()) await run('apt-get', ['update', '-q', '-o', 'DPkg::Lock::Timeout=120'], options)
  const { code, stdout, stderr } = await run('apt-get', args, options)
  if (code !== 0) throw new Error(`apt-get ${args[0]} failed: ${lastLines(stderr || stdout)}`)
}

const policyFile = '/usr/sbin/policy-rc.d'
const savedPolicy = `${policyFile}.before-jiji`
const policy = '#!/bin/sh\n# Written by Jiji while it installs packages; safe to delete.\nexit 101\n'

/**
 * Forbids maintainer scripts to start services, in the way Debian has for it.
 * @returns {() => void} puts the machine's own policy back
 */
function forbidServices() {
  const leftByCrash = existsSync(policyFile) && readFileSync(policyFile, 'utf8') === policy
  if (existsSync(policyFile) && !leftByCrash) renameSync(policyFile, savedPolicy)
  writeFileSync(policyFile, policy, { mode: 0o755 })
  return () => {
    rmSync(policyFile, { force: true })
    if (existsSync(savedPolicy)) renameSync(savedPolicy, policyFile)
  }
}
