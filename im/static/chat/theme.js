// Light or dark: the system's, until somebody chooses.

const KEY = "chat.theme";

export const theme = () => localStorage.getItem(KEY) ?? "";

export function chooseTheme(chosen) {
  localStorage.setItem(KEY, chosen);
  applyTheme();
}

export function applyTheme() {
  if (theme()) document.documentElement.dataset.theme = theme();
  else delete document.documentElement.dataset.theme;
}
