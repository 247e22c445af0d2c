// What the browser keeps between visits; private windows and settings may forbid it.

export const remembered = {
  get(name) {
    try {
      return localStorage.getItem(name);
    } catch {
      return null;
    }
  },
  set(name, value) {
    try {
      localStorage.setItem(name, value);
    } catch {
      // It is forgotten then.
    }
  },
};
