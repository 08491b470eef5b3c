import { type Script, sh } from './script.ts'

/** What git would do with a file, as the status of `askGit`; it prints the top folder of the work tree. */
export const gitAnswers = { isApart: 0, isTracked: 10, wouldBeAdded: 11 }

/**
 * Asks git about a file in a folder that exists. The variables that a git hook is given would lead to another repository,
 * and a work tree that belongs to somebody else is one all the same.
 */
export function askGit(folder: string, path: string): Script {
  return sh`unset GIT_DIR GIT_WORK_TREE GIT_INDEX_FILE GIT_PREFIX
cd ${folder} || exit
command -v git >/dev/null || exit ${gitAnswers.isApart}
[ "$(git -c safe.directory='*' rev-parse --is-inside-work-tree 2>/dev/null)" = true ] || exit ${gitAnswers.isApart}
git -c safe.directory='*' rev-parse --show-toplevel
GIT_LITERAL_PATHSPECS=1 git -c safe.directory='*' ls-files --error-unmatch -- ${`./${path}`} >/dev/null 2>&1 && exit ${gitAnswers.isTracked}
git -c safe.directory='*' check-ignore -q -- ${`./${path}`} && exit ${gitAnswers.isApart}
exit ${gitAnswers.wouldBeAdded}`
}
