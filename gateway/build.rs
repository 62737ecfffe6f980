//! The console is embedded at build time. Where it has not been built, a page that says how takes its place.

use std::fs;
use std::path::Path;

const INSTEAD: &str = "<!doctype html>\n<html lang=\"zh-CN\"><head><meta charset=\"utf-8\"><title>Hangu</title></head><body>\n\
<p>控制台尚未构建。请在 situational/console 中运行 <code>npm ci &amp;&amp; npm run build</code>，然后重新构建网关。</p>\n\
<p lang=\"en\">The console has not been built. Run <code>npm ci &amp;&amp; npm run build</code> in situational/console, then build the gateway again.</p>\n\
</body></html>\n";

fn main() -> std::io::Result<()> {
    let dist = Path::new("../situational/console/dist");
    if !dist.join("index.html").exists() {
        fs::create_dir_all(dist)?;
        fs::write(dist.join("index.html"), INSTEAD)?;
    }
    // Written with the only kind of output that cargo takes instructions from.
    use std::io::Write as _;
    writeln!(
        std::io::stdout(),
        "cargo::rerun-if-changed={}",
        dist.display()
    )
}
