import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { findConfig } from '../../src/config/find.ts'
import { JijiError } from '../../src/errors.ts'
import { folderWith } from './folder.ts'

const base = '.jiji/deploy.yml'
const staging = '.jiji/deploy.staging.yml'

/** files, where to begin, -e, -c -> the root and the files, relative to the folder. */
type Case = [string, string[], { from?: string; e?: string; c?: string }, { root: string; files: string[] }]

describe('the configuration is found', () => {
  test.each<Case>([
    ['in the working directory', [base], {}, { root: '.', files: [base] }],
    ['from below', [base, 'a/b/c/x'], { from: 'a/b/c' }, { root: '.', files: [base] }],
    ['the nearest first', [base, 'a/.jiji/deploy.yml'], { from: 'a' }, { root: 'a', files: ['a/.jiji/deploy.yml'] }],
    ['with the long ending', ['.jiji/deploy.yaml'], {}, { root: '.', files: ['.jiji/deploy.yaml'] }],
    ['from inside .jiji', [base], { from: '.jiji' }, { root: '.', files: [base] }],
    ['an environment laid over it', [base, staging], { e: 'staging' }, { root: '.', files: [base, staging] }],
    [
      'an environment with the long ending',
      [base, '.jiji/deploy.staging.yaml'],
      { e: 'staging' },
      { root: '.', files: [base, '.jiji/deploy.staging.yaml'] },
    ],
    [
      'an environment in the root',
      [base, 'jiji.staging.yml'],
      { e: 'staging' },
      { root: '.', files: [base, 'jiji.staging.yml'] },
    ],
    ['an environment that stands alone', [staging], { e: 'staging' }, { root: '.', files: [staging] }],
    [
      'an environment that stands alone in the root',
      ['jiji.staging.yml', 'a/x'],
      { e: 'staging', from: 'a' },
      { root: '.', files: ['jiji.staging.yml'] },
    ],
    ['no environment where none is asked for', [base, staging], {}, { root: '.', files: [base] }],
    ['by name', ['conf/other.yml'], { c: 'conf/other.yml' }, { root: 'conf', files: ['conf/other.yml'] }],
    ['by name in .jiji', ['a/.jiji/x.yml'], { c: 'a/.jiji/x.yml' }, { root: 'a', files: ['a/.jiji/x.yml'] }],
    ['by name, from below', [base, 'a/x'], { from: 'a', c: '../.jiji/deploy.yml' }, { root: '.', files: [base] }],
    [
      'by name, with an environment',
      ['conf/x.yml', 'conf/x.staging.yml'],
      { c: 'conf/x.yml', e: 'staging' },
      { root: 'conf', files: ['conf/x.yml', 'conf/x.staging.yml'] },
    ],
  ])('%s', (_, files, { from = '.', e, c }, { root, files: found }) => {
    const folder = folderWith(Object.fromEntries(files.map(file => [file, ''])))
    expect(findConfig({ directory: join(folder, from), environment: e, file: c })).toEqual({
      root: join(folder, root),
      files: found.map(file => join(folder, file)),
    })
  })
})

describe('it is an error, and no other file is taken', () => {
  test.each(['', '../x', 'a/b', 'a b', '-x', '.x'])('%j as the name of an environment', environment => {
    expect(() => findConfig({ directory: folderWith({ '.jiji/deploy.yml': '' }), environment })).toThrow(
      'can be no name of an environment',
    )
  })
  test.each<[string, string[], { from?: string; e?: string; c?: string }, RegExp, RegExp]>([
    [
      'when there is none',
      ['a/x'],
      { from: 'a' },
      /no \.jiji\/deploy\.yml in .*\/a or in any folder above/,
      /jiji init/,
    ],
    [
      'when the environment is missing',
      [base],
      { e: 'staging' },
      /environment staging/,
      /write .*deploy\.staging\.yml/,
    ],
    [
      'when only another environment is there',
      [base, '.jiji/deploy.production.yml'],
      { e: 'staging' },
      /environment staging/,
      /leave out -e/,
    ],
    [
      'when the environment is only further up',
      [base, staging, 'a/.jiji/deploy.yml'],
      { from: 'a', e: 'staging' },
      /environment staging beside .*\/a\/\.jiji\/deploy\.yml/,
      /write .*\/a\/\.jiji/,
    ],
    ['when the named file is missing', [base], { c: 'nope.yml' }, /there is no .*nope\.yml/, /--config/],
    [
      'when the named file has no such environment',
      [base, staging, 'x.yml'],
      { c: 'x.yml', e: 'staging' },
      /there is no .*x\.staging\.yml/,
      /x\.staging\.yml/,
    ],
  ])('%s', (_, files, { from = '.', e, c }, message, hint) => {
    const folder = folderWith(Object.fromEntries(files.map(file => [file, ''])))
    const error = failureOf(() => findConfig({ directory: join(folder, from), environment: e, file: c }))
    expect(error.code).toBe('config.missing')
    expect(error.exitStatus).toBe(2)
    expect(error.message).toMatch(message)
    expect(error.hint).toMatch(hint)
  })
})

function failureOf(action: () => unknown): JijiError {
  try {
    action()
  } catch (error) {
    if (error instanceof JijiError) return error
    throw error
  }
  throw new Error('it did not fail')
}
