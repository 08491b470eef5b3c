import { execFileSync } from 'node:child_process'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'

type Job = { permissions?: Record<string, string>; needs?: string; steps?: { run?: string; uses?: string }[] }
type Workflow = { permissions: Record<string, string>; jobs: Record<string, Job> }

const folder = fileURLToPath(new URL('../.github/workflows', import.meta.url))
const workflows = readdirSync(folder).map(name => {
  const workflow: Workflow = parse(readFileSync(join(folder, name), 'utf8'))
  return [name, workflow] as const
})

describe.each(workflows)('%s', (_, { permissions, jobs }) => {
  test('may only read, but for the job that publishes', () => {
    expect(permissions).toEqual({ contents: 'read' })
    const more = Object.entries(jobs).filter(([, job]) => job.permissions)
    for (const [name, job] of more)
      expect([name, job.permissions]).toEqual(['publish', { contents: 'read', 'id-token': 'write' }])
  })
  test('has no expression in the text of a shell', () => {
    const shells = Object.values(jobs).flatMap(({ steps = [] }) => steps.flatMap(({ run }) => run ?? []))
    for (const run of shells) expect(run).not.toContain('${{ github')
  })
})

test.each([
  ['v1.2.0', '1.2.0', '## 1.2.0 (2026-01-31)', 0],
  ['v1.2.0', '1.2.0', '## 1.2.0', 0],
  ['v1.2.1', '1.2.0', '## 1.2.0', 1],
  ['v1.2.0', '1.2.0', '## 1.2.0 - 2026-01-31', 0],
  ['v1.2.0', '1.2.0', '## 1.2.0 - Unreleased', 1],
  ['v1.2.0', '1.2.0', '## Unreleased', 1],
  ['v1.2.0', '1.2.0', '## 1.2.0-rc.1', 1],
  ['v1.2.0', '1.2.0', '## 1x2.0', 1],
])('a tag %s of version %s with %j in CHANGELOG.md: %s', (tag, version, heading, expected) => {
  const release = new Map(workflows).get('release.yml')
  const run = release?.jobs.version?.steps?.find(one => one.run)?.run ?? ''
  const directory = mkdtempSync(join(tmpdir(), 'jiji-release-'))
  try {
    writeFileSync(join(directory, 'package.json'), JSON.stringify({ version }))
    writeFileSync(join(directory, 'CHANGELOG.md'), `# Changelog\n\n${heading}\n\n- It works.\n`)
    let status = 0
    try {
      const env = { ...process.env, TAG: tag }
      execFileSync('bash', ['-e', '-c', run], { cwd: directory, env, stdio: 'ignore' })
    } catch (error) {
      status = (error as { status: number }).status
    }
    expect(status).toBe(expected)
  } finally {
    rmSync(directory, { recursive: true })
  }
})
