import java.nio.file.Path;
import java.util.List;
import org.opensearch.common.settings.Settings;
import org.opensearch.env.Environment;
import org.opensearch.node.Node;
import org.opensearch.painless.PainlessPlugin;
import org.opensearch.plugins.Plugin;
import org.opensearch.transport.Netty4Plugin;

/** One node, without security, that answers HTTP on loopback: first word the port, second its folder. */
public final class OneNode extends Node {
    private OneNode(Settings settings, Path folder) {
        super(
            new Environment(settings, folder),
            List.<Class<? extends Plugin>>of(Netty4Plugin.class, PainlessPlugin.class),
            false);
    }

    public static void main(String[] words) throws Exception {
        Path folder = Path.of(words[1]).toAbsolutePath();
        Settings settings = Settings.builder()
            .put("cluster.name", "tests")
            .put("node.name", "one")
            .put("path.home", folder.toString())
            .put("network.host", "127.0.0.1")
            .put("http.port", words[0])
            .put("transport.port", "0")
            .put("http.type", "netty4")
            .put("transport.type", "netty4")
            .put("discovery.type", "single-node")
            // A full disk of the machine is no reason to refuse a few documents.
            .put("cluster.routing.allocation.disk.threshold_enabled", false)
            .build();
        new OneNode(settings, folder).start();
        Thread.currentThread().join();
    }
}
