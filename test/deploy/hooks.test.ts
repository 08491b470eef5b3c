import { chmodSync, mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Event } from '../../src/deploy/event.ts'
import { findHooks, type HookName, runHook } from '../../src/deploy/hooks.ts'
import { JijiError } from '../../src/errors.ts'
import { folderWith } from '../config/folder.ts'

function projectWith(hooks: Record<string, string>, isExecutable = true): string {
  const root = folderWith(
    Object.fromEntries(Object.entries(hooks).map(([name, text]) => [`.jiji/hooks/${name}`, text])),
  )
  for (const name of Object.keys(hooks)) chmodSync(join(root, '.jiji/hooks', name), isExecutable ? 0o755 : 0o644)
  return root
}

async function ran(text: string, { signal = new AbortController().signal, name = 'pre-deploy' as HookName } = {}) {
  const events: Event[] = []
  const environment = { PATH: process.env.PATH ?? '', JIJI_VERSION: '1.10 $(x)' }
  const root = projectWith({ [name]: text })
  const error = await runHook(name, { root, environment, report: event => events.push(event), signal }).then(
    () => undefined,
    (error: unknown) => error,
  )
  return { root, error, lines: events.filter(({ state }) => state === 'note').map(({ detail }) => detail) }
}

describe('the hooks of a project', () => {
  test('are the executable files with their names', () => {
    const root = projectWith({ 'pre-connect': '', 'on-failure': '', 'pre-build.sample': '', '.keep': '' })
    mkdirSync(join(root, '.jiji/hooks/lib'))
    expect(findHooks(root)).toEqual({ hooks: new Set(['pre-connect', 'on-failure']), warnings: [] })
  })
  test('are none where there is no folder', () => {
    expect(findHooks(folderWith({ x: '' }))).toEqual({ hooks: new Set(), warnings: [] })
  })
  test.each([
    ['pre-depoly', '.jiji/hooks/pre-depoly is no hook, and is not run; did you mean pre-deploy?'],
    ['post-deploy.sh', '.jiji/hooks/post-deploy.sh is no hook, and is not run; did you mean post-deploy?'],
    ['README', '.jiji/hooks/README is no hook, and is not run'],
  ])('called %s is a warning', (name, warning) => {
    expect(findHooks(projectWith({ [name]: '' })).warnings).toEqual([warning])
  })
  test('that are not executable are an error', () => {
    expect(() => findHooks(projectWith({ 'pre-deploy': '#!/bin/sh' }, false))).toThrow(
      expect.objectContaining({ code: 'hook.invalid', exitStatus: 2, hint: expect.stringContaining('chmod +x') }),
    )
  })
})

describe('a hook', () => {
  test('runs in the project with what it is told, and is heard', async () => {
    const { root, error, lines } = await ran('#!/bin/sh\necho "$JIJI_VERSION in $PWD"; echo well >&2')
    expect(error).toBeUndefined()
    expect(lines.toSorted()).toEqual([`pre-deploy: 1.10 $(x) in ${root}`, 'pre-deploy: well'])
  })
  test('that fails says how', async () => {
    expect((await ran('#!/bin/sh\nexit 3')).error).toMatchObject({
      code: 'hook.failed',
      exitStatus: 1,
      message: 'the hook pre-deploy ended with status 3',
    })
  })
  test('whose interpreter is not there says so', async () => {
    expect((await ran('#!/no/such/program\n')).error).toMatchObject({
      code: 'hook.failed',
      message: 'the hook pre-deploy cannot be started: ENOENT',
    })
  })
  test('ends with Ctrl-C, and all that it has started', async () => {
    const interrupt = new AbortController()
    const reason = new JijiError('interrupted', 'interrupted')
    const began = Date.now()
    setTimeout(() => interrupt.abort(reason), 500)
    const { error } = await ran('#!/bin/sh\nsleep 60 | cat', interrupt)
    expect(error).toBe(reason)
    expect(Date.now() - began).toBeLessThan(30_000)
  })
  test('whose children stay behind is not waited for', async () => {
    const began = Date.now()
    const { error, lines } = await ran('#!/bin/sh\nsleep 100 &\necho done')
    expect([error, lines]).toEqual([undefined, ['pre-deploy: done']])
    expect(Date.now() - began).toBeLessThan(50_000)
  })
})
