<svg class="rich-terminal" viewBox="0 0 262 196.39999999999998" xmlns="http://www.w3.org/2000/svg">
    <!-- Generated with Rich https://www.textualize.io -->
    <style>

    @font-face {
        font-family: "Fira Code";
        src: local("FiraCode-Regular"),
                url("https://cdnjs.cloudflare.com/ajax/libs/firacode/6.2.0/woff2/FiraCode-Regular.woff2") format("woff2"),
                url("https://cdnjs.cloudflare.com/ajax/libs/firacode/6.2.0/woff/FiraCode-Regular.woff") format("woff");
        font-style: normal;
        font-weight: 400;
    }
    @font-face {
        font-family: "Fira Code";
        src: local("FiraCode-Bold"),
                url("https://cdnjs.cloudflare.com/ajax/libs/firacode/6.2.0/woff2/FiraCode-Bold.woff2") format("woff2"),
                url("https://cdnjs.cloudflare.com/ajax/libs/firacode/6.2.0/woff/FiraCode-Bold.woff") format("woff");
        font-style: bold;
        font-weight: 700;
    }

    .terminal-2635269924-matrix {
        font-family: Fira Code, monospace;
        font-size: 20px;
        line-height: 24.4px;
        font-variant-east-asian: full-width;
    }

    .terminal-2635269924-title {
        font-size: 18px;
        font-weight: bold;
        font-family: arial;
    }

    .terminal-2635269924-r1 { fill: #c5c8c6 }
.terminal-2635269924-r2 { fill: #57a5e2;font-weight: bold }
.terminal-2635269924-r3 { fill: #ffc473;font-weight: bold;text-decoration: underline; }
.terminal-2635269924-r4 { fill: #e0e0e0 }
.terminal-2635269924-r5 { fill: #717171 }
.terminal-2635269924-r6 { fill: #0178d4 }
.terminal-2635269924-r7 { fill: #e0e0e0;font-weight: bold }
.terminal-2635269924-r8 { fill: #ddedf9;font-weight: bold }
.terminal-2635269924-r9 { fill: #ffa62b;font-weight: bold }
    </style>

    <defs>
    <clipPath id="terminal-2635269924-clip-terminal">
      <rect x="0" y="0" width="243.0" height="145.39999999999998" />
    </clipPath>
    <clipPath id="terminal-2635269924-line-0">
    <rect x="0" y="1.5" width="244" height="24.65"/>
            </clipPath>
<clipPath id="terminal-2635269924-line-1">
    <rect x="0" y="25.9" width="244" height="24.65"/>
            </clipPath>
<clipPath id="terminal-2635269924-line-2">
    <rect x="0" y="50.3" width="244" height="24.65"/>
            </clipPath>
<clipPath id="terminal-2635269924-line-3">
    <rect x="0" y="74.7" width="244" height="24.65"/>
            </clipPath>
<clipPath id="terminal-2635269924-line-4">
    <rect x="0" y="99.1" width="244" height="24.65"/>
            </clipPath>
    </defs>

    <rect fill="#292929" stroke="rgba(255,255,255,0.35)" stroke-width="1" x="1" y="1" width="260" height="194.4" rx="8"/><text class="terminal-2635269924-title" fill="#c5c8c6" text-anchor="middle" x="130" y="27">whicharch</text>
            <g transform="translate(26,22)">
            <circle cx="0" cy="0" r="7" fill="#ff5f57"/>
            <circle cx="22" cy="0" r="7" fill="#febc2e"/>
            <circle cx="44" cy="0" r="7" fill="#28c840"/>
            </g>
        
    <g transform="translate(9, 41)" clip-path="url(#terminal-2635269924-clip-terminal)">
    <rect fill="#242f38" x="0" y="1.5" width="12.2" height="24.65" shape-rendering="crispEdges"/><rect fill="#242f38" x="12.2" y="1.5" width="109.8" height="24.65" shape-rendering="crispEdges"/><rect fill="#242f38" x="122" y="1.5" width="24.4" height="24.65" shape-rendering="crispEdges"/><rect fill="#242f38" x="146.4" y="1.5" width="24.4" height="24.65" shape-rendering="crispEdges"/><rect fill="#242f38" x="170.8" y="1.5" width="12.2" height="24.65" shape-rendering="crispEdges"/><rect fill="#242f38" x="183" y="1.5" width="24.4" height="24.65" shape-rendering="crispEdges"/><rect fill="#242f38" x="207.4" y="1.5" width="24.4" height="24.65" shape-rendering="crispEdges"/><rect fill="#242f38" x="231.8" y="1.5" width="12.2" height="24.65" shape-rendering="crispEdges"/><rect fill="#1b1b1b" x="0" y="25.9" width="12.2" height="24.65" shape-rendering="crispEdges"/><rect fill="#1b1b1b" x="12.2" y="25.9" width="158.6" height="24.65" shape-rendering="crispEdges"/><rect fill="#1b1b1b" x="170.8" y="25.9" width="73.2" height="24.65" shape-rendering="crispEdges"/><rect fill="#121212" x="0" y="50.3" width="12.2" height="24.65" shape-rendering="crispEdges"/><rect fill="#121212" x="12.2" y="50.3" width="61" height="24.65" shape-rendering="crispEdges"/><rect fill="#121212" x="73.2" y="50.3" width="170.8" height="24.65" shape-rendering="crispEdges"/><rect fill="#121212" x="0" y="74.7" width="244" height="24.65" shape-rendering="crispEdges"/><rect fill="#0178d4" x="0" y="99.1" width="244" height="24.65" shape-rendering="crispEdges"/><rect fill="#242f38" x="0" y="123.5" width="85.4" height="24.65" shape-rendering="crispEdges"/><rect fill="#242f38" x="85.4" y="123.5" width="24.4" height="24.65" shape-rendering="crispEdges"/><rect fill="#242f38" x="109.8" y="123.5" width="122" height="24.65" shape-rendering="crispEdges"/><rect fill="#242f38" x="231.8" y="123.5" width="12.2" height="24.65" shape-rendering="crispEdges"/>
    <g class="terminal-2635269924-matrix">
    <text class="terminal-2635269924-r2" x="12.2" y="20" textLength="109.8" clip-path="url(#terminal-2635269924-line-0)">whicharch</text><text class="terminal-2635269924-r3" x="170.8" y="20" textLength="12.2" clip-path="url(#terminal-2635269924-line-0)">A</text><text class="terminal-2635269924-r4" x="183" y="20" textLength="24.4" clip-path="url(#terminal-2635269924-line-0)">sk</text><text class="terminal-2635269924-r1" x="244" y="20" textLength="12.2" clip-path="url(#terminal-2635269924-line-0)">
</text><text class="terminal-2635269924-r5" x="12.2" y="44.4" textLength="158.6" clip-path="url(#terminal-2635269924-line-1)">search:&#160;words</text><text class="terminal-2635269924-r1" x="244" y="44.4" textLength="12.2" clip-path="url(#terminal-2635269924-line-1)">
</text><text class="terminal-2635269924-r6" x="0" y="68.8" textLength="12.2" clip-path="url(#terminal-2635269924-line-2)">━</text><text class="terminal-2635269924-r7" x="12.2" y="68.8" textLength="61" clip-path="url(#terminal-2635269924-line-2)">Learn</text><text class="terminal-2635269924-r6" x="73.2" y="68.8" textLength="170.8" clip-path="url(#terminal-2635269924-line-2)">━━━━━━━━━━━━━━</text><text class="terminal-2635269924-r1" x="244" y="68.8" textLength="12.2" clip-path="url(#terminal-2635269924-line-2)">
</text><text class="terminal-2635269924-r2" x="0" y="93.2" textLength="244" clip-path="url(#terminal-2635269924-line-3)">&#160;&#160;page&#160;&#160;&#160;&#160;&#160;&#160;&#160;&#160;&#160;&#160;&#160;&#160;&#160;&#160;</text><text class="terminal-2635269924-r1" x="244" y="93.2" textLength="12.2" clip-path="url(#terminal-2635269924-line-3)">
</text><text class="terminal-2635269924-r8" x="0" y="117.6" textLength="244" clip-path="url(#terminal-2635269924-line-4)">▸&#160;Decision&#160;guide&#160;&#160;&#160;&#160;</text><text class="terminal-2635269924-r1" x="244" y="117.6" textLength="12.2" clip-path="url(#terminal-2635269924-line-4)">
</text><text class="terminal-2635269924-r9" x="85.4" y="142" textLength="24.4" clip-path="url(#terminal-2635269924-line-5)">^p</text><text class="terminal-2635269924-r4" x="109.8" y="142" textLength="122" clip-path="url(#terminal-2635269924-line-5)">&#160;palette&#160;&#160;</text>
    </g>
    </g>
</svg>
