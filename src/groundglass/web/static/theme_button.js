// @ts-check
/** Changes between dark and light, and remembers it for all pages of groundglass in this browser. */
export function changeTheme() {
  const root = document.documentElement;
  const light = root.dataset.theme ? root.dataset.theme === "light" : matchMedia("(prefers-color-scheme: light)").matches;
  root.dataset.theme = light ? "dark" : "light";
  try {
    localStorage.setItem("groundglass-theme", root.dataset.theme);
  } catch {
    // Without storage the choice holds for this page.
  }
}

for (const button of document.querySelectorAll("[data-theme-button]")) button.addEventListener("click", changeTheme);
