/* One's own profile: what became of a pressed button takes the focus, since the button itself is gone; passwords can be
   shown while one types. */
(function () {
  "use strict";

  window.dash_clientside = Object.assign({}, window.dash_clientside, {
    profile: {
      tell: function () {
        window.setTimeout(function () {
          const said = document.getElementById("profile-sessions-said");
          if (said) said.focus();
        }, 50);
      },
      show: function (shown) {
        const type = shown ? "text" : "password";
        return [type, type];
      },
    },
  });
})();
