/** The steps that undo the changes of a batch's units, newest last. */
export class Journal {
  #undo: (() => void)[] = []

  note(undo: () => void): void {
    this.#undo.push(undo)
  }

  /** Runs a unit; when it throws, its changes alone are undone. */
  attempt<T>(run: () => T): T {
    const before = this.#undo.length
    try {
      return run()
    } catch (error) {
      for (const undo of this.#undo.splice(before).reverse()) undo()
      throw error
    }
  }
}
